using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Identity.Access;
using Monolith.Identity.Providers;
using Monolith.Identity.Sessions;
using Monolith.Identity.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Users;

internal sealed class UserService(Store<IdentityDb> store, Registry registry, PasswordWork work, PasswordCheck passwords) : V1.UserService.UserServiceBase
{
    static readonly FilterFields<UserRow> Filters = new FilterFields<UserRow>()
        .Text("name", u => u.Name)
        .Text("display_name", u => u.DisplayName)
        .Text("email", u => u.Email)
        .Flag("disabled", u => u.Disabled);

    public override async Task<User> CreateUser(CreateUserRequest request, ServerCallContext context)
    {
        UserRules.Check(request);
        var made = await store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var name = "users/" + request.UserId;
            if (await unit.Db.Users.AnyAsync(u => u.Name == name)) throw Fault.AlreadyExists(name);
            var row = new UserRow
            {
                Name = name,
                DisplayName = request.User?.DisplayName ?? "",
                Email = request.User?.Email ?? "",
                Disabled = request.User?.Disabled ?? false,
                CreateTime = unit.Now,
                UpdateTime = unit.Now,
            };
            await Links.SetAsync(unit, row, request.User ?? new());
            unit.Db.Users.Add(row);
            return Emit(unit, Change.Created, row);
        }, context.CancellationToken);
        await registry.CaughtUpAsync();
        return made;
    }

    public override Task<User> GetUser(GetUserRequest request, ServerCallContext context)
    {
        ResourceName.Parse("users/*", request.Name);
        return store.ReadAsync(async db =>
            (await db.Users.FirstOrDefaultAsync(u => u.Name == request.Name) ?? throw Fault.NotFound(request.Name))
            .ToProto());
    }

    public override async Task<ListUsersResponse> ListUsers(ListUsersRequest request, ServerCallContext context)
    {
        var list = ListQuery.Of(request, context.GetCall(), Filters);
        var found = await store.ReadAsync(db => list.Of(db.Users).ToListAsync());
        var (rows, next) = list.Cut(found);
        return new ListUsersResponse { Users = { rows.Select(u => u.ToProto()) }, NextPageToken = next };
    }

    public override async Task<User> UpdateUser(UpdateUserRequest request, ServerCallContext context)
    {
        var changed = UserRules.Check(request);
        var updated = await store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var row = await unit.Db.Users.FirstOrDefaultAsync(u => u.Name == request.User.Name)
                ?? throw Fault.NotFound(request.User.Name);
            row.Touch(request.User.Etag, unit.Now);
            if (changed.Contains("display_name")) row.DisplayName = request.User.DisplayName;
            if (changed.Contains("email")) row.Email = request.User.Email;
            if (changed.Contains("identity_provider") || changed.Contains("subject")) await Links.SetAsync(unit, row, request.User);
            if (changed.Contains("disabled") && request.User.Disabled != row.Disabled)
            {
                if (request.User.Disabled)
                    await UserRules.CheckAdministratorLeftAsync(unit.Db, row.Name, row.Name, null);
                row.Disabled = request.User.Disabled;
            }
            return Emit(unit, Change.Updated, row);
        }, context.CancellationToken);
        await registry.CaughtUpAsync();
        return updated;
    }

    public override async Task<User> SetPassword(SetPasswordRequest request, ServerCallContext context)
    {
        SessionRules.Check(request);
        var call = context.GetCall();
        string? shown = null;
        if (SessionRules.MustShow(call.Caller, request.Name)
            && await store.ReadAsync(db => db.Users.AnyAsync(u => u.Name == request.Name && u.PasswordHash != null)))
            shown = await passwords.CheckAsync(request.Name, request.CurrentPassword, call, context.CancellationToken);
        var hash = request.Password.Length == 0 ? null : await work.HashAsync(request.Password, context.CancellationToken);
        // Not even a hash of them is kept with the request.
        var known = request.Clone();
        known.Password = known.CurrentPassword = "";
        var updated = await store.MutateAsync(call, known, async unit =>
        {
            var row = await unit.Db.Users.FirstOrDefaultAsync(u => u.Name == request.Name) ?? throw Fault.NotFound(request.Name);
            // Somebody else may have set one since it was looked at.
            if (SessionRules.MustShow(call.Caller, request.Name) && row.PasswordHash != shown) throw SessionRules.Refused();
            row.Touch("", unit.Now);
            row.PasswordHash = hash;
            await Session.EndAllAsync(unit, row.Name);
            return Emit(unit, Change.Updated, row);
        }, context.CancellationToken);
        await registry.CaughtUpAsync();
        return updated;
    }

    public override async Task<Empty> DeleteUser(DeleteUserRequest request, ServerCallContext context)
    {
        ResourceName.Parse("users/*", request.Name);
        var answer = await store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var row = await unit.Db.Users.FirstOrDefaultAsync(u => u.Name == request.Name)
                ?? throw Fault.NotFound(request.Name);
            row.Touch(request.Etag, unit.Now);
            await UserRules.CheckAdministratorLeftAsync(unit.Db, row.Name, row.Name, null);
            await Members.ForgetAsync(unit, row.Name);
            unit.Db.Users.Remove(row);
            Emit(unit, Change.Deleted, row);
            return new Empty();
        }, context.CancellationToken);
        await registry.CaughtUpAsync();
        return answer;
    }

    internal static User Emit(Unit<IdentityDb> unit, Change change, UserRow row)
    {
        var user = row.ToProto();
        unit.Emit("user", change, row.Name, row.Project, user);
        return user;
    }
}
