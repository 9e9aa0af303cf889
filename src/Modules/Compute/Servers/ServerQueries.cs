using Microsoft.EntityFrameworkCore;
using Monolith.Compute.Vms;
using Monolith.Platform.Storage;

namespace Monolith.Compute.Servers;

/// <summary>A server with its incarnation, if there is one.</summary>
internal sealed record ServerAndVm(ServerRow Server, VmRow? Vm);

/// <summary>What is asked again and again on a server's way.</summary>
internal static class ServerQueries
{
    public static readonly Func<ComputeDb, string, Task<ServerRow?>> ByName =
        Query.One((ComputeDb db, string name) => db.Servers.FirstOrDefault(s => s.Name == name));

    public static readonly Func<ComputeDb, Guid, Task<ServerRow?>> ByUid =
        Query.One((ComputeDb db, Guid uid) => db.Servers.FirstOrDefault(s => s.Uid == uid));

    public static readonly Func<ComputeDb, string, Task<bool>> Exists =
        Query.One((ComputeDb db, string name) => db.Servers.Any(s => s.Name == name));

    public static readonly Func<ComputeDb, string, Task<ServerAndVm?>> WithVm =
        Query.One((ComputeDb db, string name) => db.Servers.Where(s => s.Name == name)
            .LeftJoin(db.Vms.Where(v => v.Role != VmRole.Fenced && v.Role == VmRole.Current), s => s.Uid, v => v.ServerUid, (server, vm) => new ServerAndVm(server, vm))
            .FirstOrDefault());

    /// <summary>Servers that have something to do, those included whose time is over. Two queries: an index for each.</summary>
    public static async Task<List<string>> Unsettled(ComputeDb db, DateTime now) =>
        [.. await ThatAre(db, true), .. await Expired(db, now)];

    // Compared with a parameter: SQLite uses no index for a column that stands alone.
    static readonly Func<ComputeDb, bool, Task<List<string>>> ThatAre =
        Query.Many((ComputeDb db, bool unsettled) => db.Servers.Where(s => s.Unsettled == unsettled).Select(s => s.Name));

    static readonly Func<ComputeDb, DateTime, Task<List<string>>> Expired =
        Query.Many((ComputeDb db, DateTime now) =>
            db.Servers.Where(s => s.ExpireTime <= now && !s.Unsettled).Select(s => s.Name));

    /// <summary>Servers that have something to do which needs the hypervisor, or any: the longest waiting first.</summary>
    public static readonly Func<ComputeDb, string, Task<List<string>>> WaitingFor =
        Query.Many((ComputeDb db, string hypervisor) => db.Servers
            .Where(s => s.Unsettled && (s.Hypervisor == hypervisor || s.Hypervisor == ""))
            .OrderBy(s => s.UpdateTime).Select(s => s.Name).Take(1000));
}
