using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Identity.Access;
using Monolith.Identity.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Groups;

internal sealed class GroupService(Store<IdentityDb> store, Registry registry) : V1.GroupService.GroupServiceBase
{
    static readonly FilterFields<GroupRow> Filters = new FilterFields<GroupRow>()
        .Text("name", g => g.Name)
        .Text("display_name", g => g.DisplayName);

    public override async Task<Group> CreateGroup(CreateGroupRequest request, ServerCallContext context)
    {
        GroupRules.Check(request);
        var call = context.GetCall();
        var made = await store.MutateAsync(call, request, async unit =>
        {
            var name = "groups/" + request.GroupId;
            if (await unit.Db.Groups.AnyAsync(g => g.Name == name)) throw Fault.AlreadyExists(name);
            var row = new GroupRow
            {
                Name = name,
                DisplayName = request.Group?.DisplayName ?? "",
                CreateTime = unit.Now,
                UpdateTime = unit.Now,
            };
            unit.Db.Groups.Add(row);
            await FillAsync(unit, call.Caller, row, request.Group?.Members ?? [], "group.members");
            return Emit(unit, Change.Created, row);
        }, context.CancellationToken);
        await registry.CaughtUpAsync();
        return made;
    }

    public override Task<Group> GetGroup(GetGroupRequest request, ServerCallContext context)
    {
        ResourceName.Parse("groups/*", request.Name);
        return store.ReadAsync(async db =>
            (await db.Groups.FirstOrDefaultAsync(g => g.Name == request.Name) ?? throw Fault.NotFound(request.Name)).ToProto());
    }

    public override async Task<ListGroupsResponse> ListGroups(ListGroupsRequest request, ServerCallContext context)
    {
        var list = ListQuery.Of(request, context.GetCall(), Filters);
        var found = await store.ReadAsync(db => list.Of(db.Groups).ToListAsync());
        var (rows, next) = list.Cut(found);
        return new ListGroupsResponse { Groups = { rows.Select(g => g.ToProto()) }, NextPageToken = next };
    }

    public override async Task<Group> UpdateGroup(UpdateGroupRequest request, ServerCallContext context)
    {
        var changed = GroupRules.Check(request);
        var call = context.GetCall();
        var updated = await store.MutateAsync(call, request, async unit =>
        {
            var row = await unit.Db.Groups.FirstOrDefaultAsync(g => g.Name == request.Group.Name)
                ?? throw Fault.NotFound(request.Group.Name);
            row.Touch(request.Group.Etag, unit.Now);
            if (changed.Contains("display_name")) row.DisplayName = request.Group.DisplayName;
            if (changed.Contains("members")) await FillAsync(unit, call.Caller, row, request.Group.Members, "group.members");
            return Emit(unit, Change.Updated, row);
        }, context.CancellationToken);
        await registry.CaughtUpAsync();
        return updated;
    }

    public override Task<Group> AddGroupMembers(AddGroupMembersRequest request, ServerCallContext context)
    {
        GroupRules.Check(request.Name, request.Members);
        return ChangeAsync(request, request.Name, now => now.Concat(request.Members), context);
    }

    public override Task<Group> RemoveGroupMembers(RemoveGroupMembersRequest request, ServerCallContext context)
    {
        GroupRules.Check(request.Name, request.Members);
        return ChangeAsync(request, request.Name, now => now.Except(request.Members), context);
    }

    public override async Task<Empty> DeleteGroup(DeleteGroupRequest request, ServerCallContext context)
    {
        ResourceName.Parse("groups/*", request.Name);
        var answer = await store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var row = await unit.Db.Groups.FirstOrDefaultAsync(g => g.Name == request.Name) ?? throw Fault.NotFound(request.Name);
            row.Touch(request.Etag, unit.Now);
            await Members.UnbindAsync(unit, row.Name);
            unit.Db.Groups.Remove(row);
            Emit(unit, Change.Deleted, row);
            return new Empty();
        }, context.CancellationToken);
        await registry.CaughtUpAsync();
        return answer;
    }

    async Task<Group> ChangeAsync<TRequest>(TRequest request, string name, Func<IReadOnlyList<string>, IEnumerable<string>> change,
        ServerCallContext context) where TRequest : class, Google.Protobuf.IMessage<TRequest>
    {
        var call = context.GetCall();
        var updated = await store.MutateAsync(call, request, async unit =>
        {
            var row = await unit.Db.Groups.FirstOrDefaultAsync(g => g.Name == name) ?? throw Fault.NotFound(name);
            var members = row.Members;
            await FillAsync(unit, call.Caller, row, change(row.MemberList), "members");
            if (row.Members == members) return row.ToProto();
            row.Touch("", unit.Now);
            return Emit(unit, Change.Updated, row);
        }, context.CancellationToken);
        await registry.CaughtUpAsync();
        return updated;
    }

    static async Task FillAsync(Unit<IdentityDb> unit, Caller caller, GroupRow row, IEnumerable<string> members, string field)
    {
        var before = row.MemberList;
        row.Members = GroupRow.Store(members);
        GroupRules.CheckCount(row.MemberList.Count);
        var added = row.MemberList.Except(before).ToList();
        if (added.Count == 0) return;
        var absent = await Members.AbsentAsync(unit.Db, caller, added);
        if (absent.Count > 0) throw Fault.Invalid([.. absent.Take(GroupRules.MostNamed).Select(m => new FieldViolation(field, $"{m} does not exist"))]);
        var bound = new List<(Access.Role, string)>();
        foreach (var binding in await unit.Db.RoleBindings.Where(b => b.Member == row.Name).ToListAsync())
            if (await RoleRow.FindAsync(unit.Db, binding.Role) is { } role) bound.Add((role, binding.Scope));
        GroupRules.CheckGiver(caller, row.Name, bound);
    }

    internal static Group Emit(Unit<IdentityDb> unit, Change change, GroupRow row)
    {
        var group = row.ToProto();
        unit.Emit("group", change, row.Name, row.Project, group);
        return group;
    }
}
