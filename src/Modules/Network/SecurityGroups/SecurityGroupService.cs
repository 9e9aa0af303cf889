using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Network.Ports;
using Monolith.Network.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;

namespace Monolith.Network.SecurityGroups;

internal sealed class SecurityGroupService(Store<NetworkDb> store, PortNodes nodes)
    : V1.SecurityGroupService.SecurityGroupServiceBase
{
    static readonly FilterFields<SecurityGroupRow> Filters = new FilterFields<SecurityGroupRow>()
        .Text("name", g => g.Name)
        .Text("display_name", g => g.DisplayName)
        .Time("create_time", g => g.CreateTime)
        .Labels(g => g.Labels);

    public override Task<SecurityGroup> CreateSecurityGroup(CreateSecurityGroupRequest request,
        ServerCallContext context)
    {
        var violations = new Violations();
        var project = ResourceName.Parse("projects/*", request.Parent, "parent", violations)?[0];
        violations.Id("security_group_id", request.SecurityGroupId);
        if (violations.Require(request.SecurityGroup is not null, "security_group", "is required"))
            SecurityGroupRules.Check(request.SecurityGroup, violations);
        violations.ThrowIfAny();
        return store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var name = $"{request.Parent}/securityGroups/{request.SecurityGroupId}";
            if (await unit.Db.SecurityGroups.AnyAsync(g => g.Name == name)) throw Fault.AlreadyExists(name);
            var row = new SecurityGroupRow
            {
                Name = name,
                Project = project!,
                DisplayName = request.SecurityGroup!.DisplayName,
                Labels = Labels.Store(request.SecurityGroup.Labels),
                CreateTime = unit.Now,
                UpdateTime = unit.Now,
            };
            await SetRulesAsync(unit, row, request.SecurityGroup.Rules);
            unit.Db.SecurityGroups.Add(row);
            return Emit(unit, Change.Created, row);
        }, context.CancellationToken);
    }

    public override Task<SecurityGroup> GetSecurityGroup(GetSecurityGroupRequest request, ServerCallContext context)
    {
        ResourceName.Parse(SecurityGroupReferences.Pattern, request.Name);
        return store.ReadAsync(async db => (await db.SecurityGroups.FirstOrDefaultAsync(g => g.Name == request.Name)
            ?? throw Fault.NotFound(request.Name)).ToProto());
    }

    public override async Task<ListSecurityGroupsResponse> ListSecurityGroups(ListSecurityGroupsRequest request,
        ServerCallContext context)
    {
        var list = ListQuery.Of(request, context.GetCall(), Filters);
        var found = await store.ReadAsync(db => list.Of(db.SecurityGroups).ToListAsync());
        var (rows, next) = list.Cut(found);
        return new ListSecurityGroupsResponse
        {
            SecurityGroups = { rows.Select(g => g.ToProto()) },
            NextPageToken = next,
        };
    }

    public override async Task<SecurityGroup> UpdateSecurityGroup(UpdateSecurityGroupRequest request,
        ServerCallContext context)
    {
        var violations = new Violations();
        violations.Require(request.SecurityGroup is not null, "security_group", "is required");
        violations.ThrowIfAny();
        var group = request.SecurityGroup!;
        ResourceName.Parse(SecurityGroupReferences.Pattern, group.Name, "security_group.name", violations);
        var changed = Masks.Changed(request.UpdateMask, group, SecurityGroupRules.Changeable, violations);
        SecurityGroupRules.Check(group, violations);
        violations.ThrowIfAny();
        var wakes = new Wakes();
        var answer = await store.MutateAsync(context.GetCall(), request, async unit =>
        {
            wakes.Clear();
            var row = await unit.Db.SecurityGroups.FirstOrDefaultAsync(g => g.Name == group.Name)
                ?? throw Fault.NotFound(group.Name);
            row.Touch(group.Etag, unit.Now);
            if (changed.Contains("display_name")) row.DisplayName = group.DisplayName;
            if (changed.Contains("labels")) row.Labels = Labels.Store(group.Labels);
            if (changed.Contains("rules"))
            {
                wakes.Sets(await SetRulesAsync(unit, row, group.Rules));
                await PortSpecs.ChangedAsync(unit.Db.Ports.Where(p =>
                    unit.Db.PortGroups.Any(g => g.GroupUid == row.Uid && g.PortUid == p.Uid)), wakes);
            }
            return Emit(unit, Change.Updated, row);
        }, context.CancellationToken);
        nodes.Wake(wakes);
        return answer;
    }

    public override Task<Empty> DeleteSecurityGroup(DeleteSecurityGroupRequest request, ServerCallContext context)
    {
        ResourceName.Parse(SecurityGroupReferences.Pattern, request.Name);
        return store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var row = await unit.Db.SecurityGroups.FirstOrDefaultAsync(g => g.Name == request.Name)
                ?? throw Fault.NotFound(request.Name);
            row.Touch(request.Etag, unit.Now);
            await RefuseInUseAsync(unit.Db, row);
            await unit.Db.GroupRemotes.Where(r => r.GroupUid == row.Uid).ExecuteDeleteAsync();
            unit.Db.SecurityGroups.Remove(row);
            Emit(unit, Change.Deleted, row);
            return new Empty();
        }, context.CancellationToken);
    }

    /// <summary>Deletes it with its project. Groups whose rules name each other would wait for each other: one that no port is
    /// in loses its rules first, so that nobody waits for it.</summary>
    public async Task PurgeAsync(string name, ServerCallContext context)
    {
        var named = await store.ReadAsync(db => db.SecurityGroups.AnyAsync(g => g.Name == name
            && db.GroupRemotes.Any(r => r.GroupUid == g.Uid && r.RemoteUid != g.Uid)
            && !db.PortGroups.Any(p => p.GroupUid == g.Uid)));
        if (named)
            await UpdateSecurityGroup(new() { SecurityGroup = new() { Name = name }, UpdateMask = new() { Paths = { "rules" } } }, context);
        await DeleteSecurityGroup(new() { Name = name }, context);
    }

    /// <returns>The groups that the old rules named.</returns>
    static async Task<List<Guid>> SetRulesAsync(Unit<NetworkDb> unit, SecurityGroupRow row,
        IReadOnlyList<SecurityRule> rules)
    {
        var violations = new Violations();
        var remotes = await SecurityGroupRules.FindRemotesAsync(unit.Db, row, rules, violations);
        violations.ThrowIfAny();
        row.SetRules(rules);
        var before = await unit.Db.GroupRemotes.Where(r => r.GroupUid == row.Uid).ToListAsync();
        unit.Db.GroupRemotes.RemoveRange(before.Where(b => !remotes.Contains(b.RemoteUid)));
        unit.Db.GroupRemotes.AddRange(remotes.Where(r => before.All(b => b.RemoteUid != r))
            .Select(r => new GroupRemoteRow { GroupUid = row.Uid, RemoteUid = r }));
        return [.. before.Select(b => b.RemoteUid)];
    }

    static async Task RefuseInUseAsync(NetworkDb db, SecurityGroupRow row)
    {
        var uses = new List<PreconditionViolation>();
        void Use(string? user, string what)
        {
            if (user is not null)
                uses.Add(new("SECURITY_GROUP_IN_USE", row.Name, $"{user} {what}. Take the group out of it first."));
        }
        Use(await db.Ports.Where(p => db.PortGroups.Any(g => g.GroupUid == row.Uid && g.PortUid == p.Uid))
            .Select(p => p.Name).FirstOrDefaultAsync(), "is in the group");
        var sought = Words.Sought(row.Name);
        Use(await db.Networks.Where(n => n.Project == row.Project && n.SecurityGroups.Contains(sought))
            .Select(n => n.Name).FirstOrDefaultAsync(), "puts its ports into the group");
        Use(await db.SecurityGroups.Where(g => g.Uid != row.Uid
                && db.GroupRemotes.Any(r => r.GroupUid == g.Uid && r.RemoteUid == row.Uid))
            .Select(g => g.Name).FirstOrDefaultAsync(), "has a rule that names the group");
        if (uses.Count > 0)
            throw Fault.Precondition($"{row.Name} is in use: {string.Join(" ", uses.Select(u => u.Description))}", uses);
    }

    static SecurityGroup Emit(Unit<NetworkDb> unit, Change change, SecurityGroupRow row)
    {
        var group = row.ToProto();
        unit.Emit("securityGroup", change, row.Name, row.Project, group);
        return group;
    }
}
