using Microsoft.EntityFrameworkCore;
using Monolith.Network.V1;
using Monolith.Platform.Storage;

namespace Monolith.Network.SecurityGroups;

/// <summary>The group that a project's ports are in unless somebody says otherwise.</summary>
internal static class DefaultGroup
{
    const int EchoRequest = 8;
    const int EchoRequestV6 = 128;
    const int Ssh = 22;

    public static string Name(string project) => $"projects/{project}/securityGroups/default";

    /// <summary>Makes it when the project has none.</summary>
    public static async Task EnsureAsync(Unit<NetworkDb> unit, string project)
    {
        var name = Name(project);
        if (await unit.Db.SecurityGroups.AnyAsync(g => g.Name == name)) return;
        var row = new SecurityGroupRow
        {
            Name = name,
            Project = project,
            CreateTime = unit.Now,
            UpdateTime = unit.Now,
        };
        row.SetRules(Rules(name));
        unit.Db.SecurityGroups.Add(row);
        unit.Db.GroupRemotes.Add(new GroupRemoteRow { GroupUid = row.Uid, RemoteUid = row.Uid });
        unit.Emit("securityGroup", Change.Created, row.Name, row.Project, row.ToProto());
        await unit.Db.SaveChangesAsync();
    }

    /// <summary>It came with the project's first network and goes with the last, unless somebody made it theirs.</summary>
    public static async Task RetireAsync(Unit<NetworkDb> unit, string project)
    {
        var name = Name(project);
        if (await unit.Db.SecurityGroups.FirstOrDefaultAsync(g => g.Name == name) is not { Generation: 1 } row
            || await unit.Db.PortGroups.AnyAsync(g => g.GroupUid == row.Uid)
            || await unit.Db.GroupRemotes.AnyAsync(r => r.RemoteUid == row.Uid && r.GroupUid != row.Uid)) return;
        await unit.Db.GroupRemotes.Where(r => r.GroupUid == row.Uid).ExecuteDeleteAsync();
        unit.Db.SecurityGroups.Remove(row);
        unit.Emit("securityGroup", Change.Deleted, row.Name, row.Project, row.ToProto());
    }

    static IEnumerable<SecurityRule> Rules(string name)
    {
        static SecurityRule In(SecurityRule.Types.Protocol protocol) =>
            new() { Direction = SecurityRule.Types.Direction.Ingress, Protocol = protocol };

        yield return new SecurityRule
        {
            Direction = SecurityRule.Types.Direction.Egress,
            Protocol = SecurityRule.Types.Protocol.Any,
        };
        var members = In(SecurityRule.Types.Protocol.Any);
        members.RemoteGroup = name;
        yield return members;
        foreach (var type in new[] { EchoRequest, EchoRequestV6 })
        {
            var echo = In(SecurityRule.Types.Protocol.Icmp);
            echo.IcmpType = type;
            yield return echo;
        }
        var ssh = In(SecurityRule.Types.Protocol.Tcp);
        (ssh.PortMin, ssh.PortMax) = (Ssh, Ssh);
        yield return ssh;
    }
}
