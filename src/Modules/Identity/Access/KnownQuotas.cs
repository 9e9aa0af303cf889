using System.Collections.Immutable;
using Monolith.Identity.Projects;
using Monolith.Identity.Quotas;

namespace Monolith.Identity.Access;

/// <summary>Limits as the rows have them. Immutable.</summary>
/// <param name="Own">By the project's id; the default's under the empty one.</param>
internal sealed record KnownQuotas(ImmutableDictionary<string, IReadOnlyDictionary<string, long>> Own)
{
    public static KnownQuotas None { get; } =
        new(ImmutableDictionary.Create<string, IReadOnlyDictionary<string, long>>(StringComparer.Ordinal));

    /// <param name="stale">Names of quotas that are read anew, or gone.</param>
    public KnownQuotas With(IEnumerable<string> stale, IEnumerable<QuotaRow> rows) => new(Own
        .RemoveRange(stale.Select(ProjectOf))
        .SetItems(rows.Select(r => KeyValuePair.Create(r.Project, (IReadOnlyDictionary<string, long>)r.Load()))));

    public bool Any(string project) =>
        project != ProjectRules.System && (Own.ContainsKey(project) || Own.ContainsKey(""));

    /// <summary>The project's own limit, or else the default's; null: as much as there is. The cloud's own project has
    /// none: a default that keeps tenants small must not keep the cloud from a zone for its names.</summary>
    public long? Of(string project, string quota)
    {
        if (project == ProjectRules.System) return null;
        if (!(Own.TryGetValue(project, out var own) && own.TryGetValue(quota, out var limit))
            && !(Own.TryGetValue("", out var all) && all.TryGetValue(quota, out limit))) return null;
        return limit == QuotaRow.Unlimited ? null : limit;
    }

    static string ProjectOf(string name) => Platform.Names.ResourceName.ProjectOf(name) ?? "";
}
