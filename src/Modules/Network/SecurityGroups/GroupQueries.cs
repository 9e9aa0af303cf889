using Microsoft.EntityFrameworkCore;
using Monolith.Platform.Storage;

namespace Monolith.Network.SecurityGroups;

/// <summary>What is asked of groups for every port.</summary>
internal static class GroupQueries
{
    public static readonly Func<NetworkDb, string, List<string>, Task<List<SecurityGroupRow>>> Named =
        Query.Many((NetworkDb db, string project, List<string> names) =>
            db.SecurityGroups.AsNoTracking().Where(g => g.Project == project && names.Contains(g.Name)));

    public static readonly Func<NetworkDb, Guid, Task<SecurityGroupRow?>> ByUid =
        Query.One((NetworkDb db, Guid uid) => db.SecurityGroups.FirstOrDefault(g => g.Uid == uid));

    public static readonly Func<NetworkDb, List<Guid>, Task<List<SecurityGroupRow>>> Some =
        Query.Many((NetworkDb db, List<Guid> uids) => db.SecurityGroups.Where(g => uids.Contains(g.Uid)));

    /// <summary>The groups that the groups' rules name.</summary>
    public static readonly Func<NetworkDb, List<Guid>, Task<List<Guid>>> Remotes =
        Query.Many((NetworkDb db, List<Guid> groups) =>
            db.GroupRemotes.Where(r => groups.Contains(r.GroupUid)).Select(r => r.RemoteUid));
}
