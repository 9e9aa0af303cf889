using Monolith.Network.V1;
using Monolith.Platform.Faults;
using Monolith.Platform.Names;

namespace Monolith.Network.SecurityGroups;

/// <summary>Groups that other resources name.</summary>
internal static class SecurityGroupReferences
{
    public const string Pattern = "projects/*/securityGroups/*";

    const int Max = 16;

    /// <summary>
    /// The named groups; a violation for each that is none. Another project's groups are treated as not existing.
    /// </summary>
    public static async Task<List<SecurityGroupRow>> FindAsync(NetworkDb db, string project,
        IReadOnlyList<string> names, Func<int, string> field, Violations violations)
    {
        if (names.Count == 0) return [];
        var found = await GroupQueries.Named(db, project, [.. names]);
        for (var i = 0; i < names.Count; i++)
        {
            if (ResourceName.Parse(Pattern, names[i], field(i), violations) is null) continue;
            violations.Require(found.Any(g => g.Name == names[i]), field(i),
                $"{names[i]} does not exist in projects/{project}");
            violations.Require(!names.Take(i).Contains(names[i]), field(i), "is named twice");
            violations.Require(i < Max, field(i), $"is one too many; at most {Max} groups can be named");
        }
        return found;
    }
}
