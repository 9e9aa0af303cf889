using Monolith.Platform.Storage;

namespace Monolith.Compute.Vms;

/// <summary>
/// What is asked again and again of vms. A node's are asked for by the node's id, too: it has a say in its own only. A
/// server's are asked for in the words of their index, which has all but the fenced ones: SQLite uses it for nothing else.
/// </summary>
internal static class VmQueries
{
    public static readonly Func<ComputeDb, Guid, Task<VmRow?>> OfServer =
        Query.One((ComputeDb db, Guid server) =>
            db.Vms.FirstOrDefault(v => v.ServerUid == server && v.Role != VmRole.Fenced && v.Role == VmRole.Current));

    /// <summary>But those that were given up.</summary>
    public static readonly Func<ComputeDb, Guid, Task<List<VmRow>>> AllOfServer =
        Query.Many((ComputeDb db, Guid server) =>
            db.Vms.Where(v => v.ServerUid == server && v.Role != VmRole.Fenced).OrderBy(v => v.Role));

    public static readonly Func<ComputeDb, Guid, string, Task<VmRow?>> OnNode =
        Query.One((ComputeDb db, Guid uid, string node) =>
            db.Vms.FirstOrDefault(v => v.Uid == uid && v.Hypervisor == node));

    public static readonly Func<ComputeDb, Guid, string, Task<string?>> ReportDigest =
        Query.One((ComputeDb db, Guid uid, string node) =>
            db.Vms.Where(v => v.Uid == uid && v.Hypervisor == node).Select(v => v.ReportDigest).FirstOrDefault());

    public static readonly Func<ComputeDb, List<Guid>, string, Task<List<VmRow>>> SomeOnNode =
        Query.Many((ComputeDb db, List<Guid> uids, string node) =>
            db.Vms.Where(v => v.Hypervisor == node && uids.Contains(v.Uid)).OrderBy(v => v.Uid));

    /// <summary>What is compared when a node comes back.</summary>
    public sealed record Version(Guid Uid, long Generation, string ReportDigest);

    public static readonly Func<ComputeDb, string, Task<List<Version>>> VersionsOnNode =
        Query.Many((ComputeDb db, string node) => db.Vms.Where(v => v.Hypervisor == node)
            .Select(v => new Version(v.Uid, v.Generation, v.ReportDigest)));

    public static readonly Func<ComputeDb, string, Task<List<VmRow>>> AllOnNode =
        Query.Many((ComputeDb db, string node) => db.Vms.Where(v => v.Hypervisor == node).OrderBy(v => v.Uid));
}
