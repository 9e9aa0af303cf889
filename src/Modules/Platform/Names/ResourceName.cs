using Monolith.Platform.Faults;

namespace Monolith.Platform.Names;

/// <summary>
/// Resource names (AIP-122): collections and ids in turn, <c>projects/p/servers/s</c>. A pattern is written with
/// <c>*</c> for ids: <c>projects/*/servers/*</c>.
/// </summary>
public static class ResourceName
{
    /// <summary>The ids of a name that fits the pattern; null when it does not.</summary>
    public static string[]? Match(string pattern, string name)
    {
        var want = pattern.Split('/');
        var have = name.Split('/');
        if (want.Length != have.Length) return null;
        var ids = new List<string>(want.Length / 2);
        for (var i = 0; i < want.Length; i++)
        {
            if (want[i] == "*")
            {
                if (have[i].Length is 0 or > 253 || have[i].Any(char.IsControl)) return null;
                ids.Add(have[i]);
            }
            else if (want[i] != have[i]) return null;
        }
        return [.. ids];
    }

    /// <summary>The ids of a name in a request.</summary>
    /// <exception cref="Fault">INVALID_ARGUMENT when the name does not fit the pattern.</exception>
    public static string[] Parse(string pattern, string name, string field = "name") =>
        Match(pattern, name) ?? throw Fault.Invalid(field, Expected(pattern, name));

    /// <summary>As <see cref="Parse"/>, but a misfit joins the other violations and yields null.</summary>
    public static string[]? Parse(string pattern, string name, string field, Violations violations)
    {
        var ids = Match(pattern, name);
        if (ids is null) violations.Add(field, Expected(pattern, name));
        return ids;
    }

    /// <summary>The project that a name lies in: <c>p</c> of <c>projects/p/…</c>; null when it lies in none.</summary>
    public static string? ProjectOf(string name)
    {
        if (!name.StartsWith("projects/", StringComparison.Ordinal)) return null;
        var end = name.IndexOf('/', "projects/".Length);
        var id = end < 0 ? name["projects/".Length..] : name["projects/".Length..end];
        return id.Length == 0 ? null : id;
    }

    /// <summary>What rights are looked for by: <c>p</c> of <c>projects/p/…</c>, <c>domains/d</c> of a domain; null: those on the
    /// cloud.</summary>
    public static string? ScopeOf(string name) => ProjectOf(name) ?? (Match("domains/*", name) is null ? null : name);

    /// <summary>Of what <see cref="ScopeOf"/> gave: <c>projects/p</c>, <c>domains/d</c>.</summary>
    public static string ScopeName(string scope) => scope.Contains('/', StringComparison.Ordinal) ? scope : "projects/" + scope;

    /// <summary>The last part of a name.</summary>
    public static string LastId(string name) => name[(name.LastIndexOf('/') + 1)..];

    /// <summary>What to say of a name that fits no pattern.</summary>
    public static string Expected(string pattern, string name) => name.Length == 0
        ? $"is required, in the form {pattern}"
        : $"must have the form {pattern}, but is {(name.Length > 100 ? name[..100] + "…" : name)}";
}
