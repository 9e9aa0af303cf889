using System.Collections.Frozen;

namespace Monolith.Platform.Calls;

/// <summary>What a caller may do somewhere.</summary>
/// <param name="Scope"><c>projects/{project}</c>, a resource in it, <c>domains/{domain}</c>, or empty for the whole cloud.</param>
/// <param name="Role"><c>roles/{role}</c>.</param>
/// <param name="Permissions">The role's permissions; a pattern that ends in <c>*</c> stands for all that begin so.</param>
public sealed record CallerGrant(string Scope, string Role, PermissionSet Permissions)
{
    /// <summary><c>groups/{group}</c>, through which the caller has it; empty: it is the caller's own.</summary>
    public string Group { get; init; } = "";

    /// <summary>Of the one resource that the scope names, <c>projects/{project}/servers/{server}</c>; empty: the scope is no single
    /// resource.</summary>
    public Guid Uid { get; init; }

    /// <summary>It counts for resources that have all of these labels alone; none: for all.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = System.Collections.Immutable.ImmutableDictionary<string, string>.Empty;

    /// <summary>It does not give the whole of a project.</summary>
    public bool IsNarrow => Uid != Guid.Empty || Labels.Count > 0;

    /// <summary><c>domains/{domain}</c>, whose projects have it; empty: it was bound where it counts.</summary>
    public string From { get; init; } = "";

    /// <summary>The project's id; a domain's name; empty: the cloud.</summary>
    public string Project => Names.ResourceName.ScopeOf(Scope) ?? "";
}

/// <summary>A closed set of permissions, exact ones and prefixes.</summary>
public sealed class PermissionSet(IEnumerable<string> exact, IEnumerable<string> prefixes, IEnumerable<string>? suffixes = null)
{
    readonly FrozenSet<string> exact = exact.ToFrozenSet(StringComparer.Ordinal);
    readonly string[] prefixes = [.. prefixes];
    readonly string[] suffixes = [.. suffixes ?? []];

    public bool Contains(string permission) => exact.Contains(permission)
        || prefixes.Any(p => permission.StartsWith(p, StringComparison.Ordinal))
        || suffixes.Any(s => permission.EndsWith(s, StringComparison.Ordinal));
}

/// <summary>Who calls, with the rights that held when the call came in. Immutable.</summary>
/// <param name="Name"><c>users/{user}</c>, <c>projects/{project}/serviceAccounts/{account}</c>, <c>nodes/{node}</c>, or a component (<c>compute/servers</c>).</param>
public sealed record Caller(string Name, IReadOnlyList<CallerGrant> Grants)
{
    /// <summary>What it showed: <c>users/{user}/tokens/{token}</c>, or <c>certificates/{serial number}</c>; empty: nothing.</summary>
    public string Credential { get; init; } = "";

    /// <summary>What it showed is good for less than it may itself: the grants are what is left.</summary>
    public bool IsLimited { get; init; }

    /// <summary>What it showed was lent to it for a while, and makes nothing that lasts longer.</summary>
    public bool IsLent { get; init; }

    /// <summary>Somebody who has shown nothing.</summary>
    public static Caller Anonymous { get; } = new("", []);

    /// <summary>The node's id when the caller is an agent, else null.</summary>
    public string? Node { get; } = Name.StartsWith("nodes/", StringComparison.Ordinal) ? Name["nodes/".Length..] : null;

    /// <param name="permission"><c>compute.servers.get</c></param>
    /// <param name="project">The project's id, a domain's name, or null for the whole cloud.</param>
    public bool May(string permission, string? project) =>
        Gives("", permission) || (project is { Length: > 0 } && Gives(project, permission));

    /// <summary>Whether the caller has any role that lets it know that the project exists.</summary>
    public bool Knows(string project) => ByProject.ContainsKey("") || ByProject.ContainsKey(project) || Index.Narrow.ContainsKey(project);

    /// <summary>What the caller has of single resources of a project, and of some by their labels.</summary>
    public IReadOnlyList<CallerGrant> NarrowIn(string project) => Index.Narrow.GetValueOrDefault(project) ?? [];

    bool Gives(string project, string permission)
    {
        if (!ByProject.TryGetValue(project, out var grants)) return false;
        foreach (var grant in grants)
            if (grant.Permissions.Contains(permission))
                return true;
        return false;
    }

    // Made with a user's grants, once: what is said of a caller besides, call by call, is said of a copy that has it too.
    GrantIndex index = new(Grants);

    Dictionary<string, CallerGrant[]> ByProject => Index.Whole;

    GrantIndex Index => ReferenceEquals(index.Of, Grants) ? index : index = new(Grants);

    /// <summary>By the ids of their projects; the cloud's by the empty one.</summary>
    sealed class GrantIndex(IReadOnlyList<CallerGrant> grants)
    {
        static readonly Dictionary<string, CallerGrant[]> None = [];

        public IReadOnlyList<CallerGrant> Of => grants;

        public Dictionary<string, CallerGrant[]> Whole { get; } = By(grants, isNarrow: false);

        public Dictionary<string, CallerGrant[]> Narrow { get; } = By(grants, isNarrow: true);

        static Dictionary<string, CallerGrant[]> By(IReadOnlyList<CallerGrant> grants, bool isNarrow) => !grants.Any(g => g.IsNarrow == isNarrow)
            ? None
            : grants.Where(g => g.IsNarrow == isNarrow).GroupBy(g => g.Project, StringComparer.Ordinal)
                .ToDictionary(g => g.Key, g => g.ToArray(), StringComparer.Ordinal);
    }

    /// <summary>The projects in which the caller has the permission, and the names of domains; null means all of them.</summary>
    public IReadOnlyList<string>? ProjectsWith(string permission)
    {
        if (May(permission, null)) return null;
        return [.. Grants.Where(g => g.Scope.Length > 0 && !g.IsNarrow && g.Permissions.Contains(permission)).Select(g => g.Project).Distinct()];
    }
}
