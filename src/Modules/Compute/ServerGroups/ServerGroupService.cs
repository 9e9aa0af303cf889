using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Compute.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;

namespace Monolith.Compute.ServerGroups;

internal sealed class ServerGroupService(Store<ComputeDb> store) : V1.ServerGroupService.ServerGroupServiceBase
{
    const string Pattern = "projects/*/serverGroups/*";

    static readonly FilterFields<ServerGroupRow> Filters = new FilterFields<ServerGroupRow>()
        .Text("name", g => g.Name)
        .Word("policy", g => g.Policy)
        .Text("topology_label", g => g.TopologyLabel);

    public override Task<ServerGroup> CreateServerGroup(CreateServerGroupRequest request, ServerCallContext context)
    {
        var violations = new Violations();
        ResourceName.Parse("projects/*", request.Parent, "parent", violations);
        violations.Id("server_group_id", request.ServerGroupId);
        if (violations.Require(request.ServerGroup is not null, "server_group", "is required"))
        {
            var policy = request.ServerGroup.Policy;
            violations.Require(policy != ServerGroup.Types.Policy.Unspecified && System.Enum.IsDefined(policy),
                "server_group.policy", "must be AFFINITY, ANTI_AFFINITY, SOFT_AFFINITY or SOFT_ANTI_AFFINITY");
            violations.LabelKey("server_group.topology_label", request.ServerGroup.TopologyLabel);
        }
        violations.ThrowIfAny();
        return store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var name = $"{request.Parent}/serverGroups/{request.ServerGroupId}";
            if (await unit.Db.ServerGroups.AnyAsync(g => g.Name == name)) throw Fault.AlreadyExists(name);
            var row = new ServerGroupRow
            {
                Name = name,
                Project = ResourceName.ProjectOf(name)!,
                Policy = request.ServerGroup!.Policy,
                TopologyLabel = request.ServerGroup.TopologyLabel,
                CreateTime = unit.Now,
                UpdateTime = unit.Now,
            };
            unit.Db.ServerGroups.Add(row);
            return Emit(unit, Change.Created, row);
        }, context.CancellationToken);
    }

    public override Task<ServerGroup> GetServerGroup(GetServerGroupRequest request, ServerCallContext context)
    {
        ResourceName.Parse(Pattern, request.Name);
        return store.ReadAsync(async db =>
        {
            var row = await db.ServerGroups.FirstOrDefaultAsync(g => g.Name == request.Name)
                ?? throw Fault.NotFound(request.Name);
            return row.ToProto(await db.Servers.CountAsync(s => s.ServerGroup == row.Name));
        });
    }

    public override async Task<ListServerGroupsResponse> ListServerGroups(ListServerGroupsRequest request,
        ServerCallContext context)
    {
        var list = ListQuery.Of(request, context.GetCall(), Filters);
        return await store.ReadAsync(async db =>
        {
            var (rows, next) = list.Cut(await list.Of(db.ServerGroups).ToListAsync());
            var names = rows.Select(g => g.Name).ToList();
            var counts = await db.Servers.Where(s => names.Contains(s.ServerGroup!)).GroupBy(s => s.ServerGroup!)
                .Select(s => new { s.Key, Count = s.Count() }).ToDictionaryAsync(s => s.Key, s => s.Count);
            return new ListServerGroupsResponse
            {
                ServerGroups = { rows.Select(g => g.ToProto(counts.GetValueOrDefault(g.Name))) },
                NextPageToken = next,
            };
        });
    }

    public override Task<Empty> DeleteServerGroup(DeleteServerGroupRequest request, ServerCallContext context)
    {
        ResourceName.Parse(Pattern, request.Name);
        return store.MutateAsync(context.GetCall(), request, async unit =>
        {
            await Companies.HoldAsync(unit.Db, request.Name);
            var row = await unit.Db.ServerGroups.FirstOrDefaultAsync(g => g.Name == request.Name)
                ?? throw Fault.NotFound(request.Name);
            row.Touch(request.Etag, unit.Now);
            var servers = await unit.Db.Servers.Where(s => s.ServerGroup == row.Name).OrderBy(s => s.Name)
                .Select(s => s.Name).Take(10).ToListAsync();
            if (servers.Count > 0)
                throw Fault.Precondition($"{row.Name} cannot be deleted yet.", servers.ConvertAll(s =>
                    new PreconditionViolation("SERVER_GROUP_IN_USE", row.Name, $"{s} is in it. Delete that first.")));
            unit.Db.ServerGroups.Remove(row);
            Emit(unit, Change.Deleted, row);
            return new Empty();
        }, context.CancellationToken);
    }

    static ServerGroup Emit(Unit<ComputeDb> unit, Change change, ServerGroupRow row)
    {
        var group = row.ToProto(0);
        unit.Emit("serverGroup", change, row.Name, row.Project, group);
        return group;
    }
}
