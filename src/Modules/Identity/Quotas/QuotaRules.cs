using Monolith.Identity.V1;
using Monolith.Platform.Faults;
using Monolith.Platform.Names;

namespace Monolith.Identity.Quotas;

internal static class QuotaRules
{
    const string Pattern = "projects/*/quota", Limits = "limits", One = Limits + ".";

    /// <summary>The project of a quota's name; null for the default's.</summary>
    public static string? ProjectOf(string name, string field = "name")
    {
        var violations = new Violations();
        var project = ProjectOf(name, field, violations);
        violations.ThrowIfAny();
        return project;
    }

    /// <param name="quotas">Those that there are.</param>
    /// <returns>What the limits become.</returns>
    public static Func<Dictionary<string, long>, Dictionary<string, long>> Check(UpdateQuotaRequest request,
        IReadOnlyCollection<string> quotas)
    {
        var violations = new Violations();
        if (!violations.Require(request.Quota is not null, "quota", "is required")) violations.ThrowIfAny();
        var quota = request.Quota!;
        ProjectOf(quota.Name, "quota.name", violations);
        foreach (var (word, limit) in quota.Limits)
        {
            Known(word, $"quota.limits[{word}]", quotas, violations);
            violations.Require(limit >= QuotaRow.Unlimited, $"quota.limits[{word}]",
                "must be 0 or more, or -1 for as much as there is");
        }
        var paths = request.UpdateMask?.Paths.ToList() ?? [];
        foreach (var path in paths.Where(p => p is not (Limits or "*")))
            if (violations.Require(path.StartsWith(One, StringComparison.Ordinal), "update_mask",
                $"'{path}' cannot be changed here; these can: {Limits}, {One}servers"))
                Known(path[One.Length..], "update_mask", quotas, violations);
        violations.ThrowIfAny();
        if (paths.Count == 0 && quota.Limits.Count == 0) return before => before;
        if (paths.Count == 0 || paths.Exists(p => p is Limits or "*")) return _ => new(quota.Limits);
        return before =>
        {
            foreach (var word in paths.Select(p => p[One.Length..]))
                if (quota.Limits.TryGetValue(word, out var limit)) before[word] = limit;
                else before.Remove(word);
            return before;
        };
    }

    public static void Known(string word, string field, IReadOnlyCollection<string> quotas, Violations violations) =>
        violations.Require(quotas.Contains(word), field,
            $"{(word.Length > 63 ? word[..63] + "…" : word)} is no quota; these are: {string.Join(", ", quotas)}");

    static string? ProjectOf(string name, string field, Violations violations)
    {
        if (name == QuotaRow.Default) return null;
        if (ResourceName.Match(Pattern, name) is [var project]) return project;
        violations.Add(field, $"must have the form {Pattern}, or be {QuotaRow.Default}");
        return null;
    }
}
