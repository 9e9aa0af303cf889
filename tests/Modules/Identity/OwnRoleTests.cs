using Grpc.Core;
using Monolith.Identity.V1;
using Monolith.Modules.Tests.Calls;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using RoleBindingService = Monolith.Identity.RoleBindings.RoleBindingService;
using RoleService = Monolith.Identity.Access.RoleService;
using TokenService = Monolith.Identity.Tokens.TokenService;
using UserService = Monolith.Identity.Users.UserService;

namespace Monolith.Modules.Tests.Identity;

/// <summary>Roles that a cloud's administrators make.</summary>
public sealed class OwnRoleTests
{
    const string Get = "compute.servers.get", Restart = "compute.servers.restart", Pools = "network.addressPools.list";

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Role_CountsFromTheAnswerOn_ForAllToWhomItIsBound(string provider)
    {
        await using var identity = await IdentityFixture.StartAsync(provider);
        var scene = new Scene(identity);
        await scene.MakeAsync("night", Get, Pools);
        var bob = await scene.UserAsync("bob");
        var ann = await scene.UserAsync("ann");
        await scene.BindAsync("roles/night", "users/bob", "");
        await scene.BindAsync("roles/night", "users/ann", "projects/system");
        Assert.Equal((true, true, false), (bob().May(Get, null), bob().May(Pools, null), bob().May(Restart, null)));
        // What belongs to everybody is not a project's to give.
        Assert.Equal((true, false, false), (ann().May(Get, "system"), ann().May(Pools, "system"), ann().May(Get, null)));

        await scene.ChangeAsync("night", Get, Restart);
        Assert.Equal((true, false, true), (bob().May(Get, null), bob().May(Pools, null), bob().May(Restart, null)));
        Assert.True(ann().May(Restart, "system"));
        await identity.RestartAsync();
        Assert.True(bob().May(Restart, null));

        scene = new Scene(identity);
        var refused = await Expect.FaultAsync(StatusCode.FailedPrecondition, "ROLE_IN_USE", () => scene.DeleteAsync("night"));
        Assert.Contains("users/bob", refused.Message, StringComparison.Ordinal);
        await identity.Make<UserService>().DeleteUser(new() { Name = "users/bob" }, identity.As(identity.Admin));
        await identity.Make<UserService>().DeleteUser(new() { Name = "users/ann" }, identity.As(identity.Admin));
        await scene.DeleteAsync("night");
        await Expect.FaultAsync(StatusCode.NotFound, "RESOURCE_NOT_FOUND", () => scene.GetAsync("roles/night"));
        await Assert.ThrowsAsync<Fault>(() => scene.BindAsync("roles/night", "users/admin", ""));
    }

    /// <summary>Else the right to change roles, or to bind them, would be the right to everything.</summary>
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Nobody_GivesWhatTheyDoNotHave_ByWayOfARole(string provider)
    {
        await using var identity = await IdentityFixture.StartAsync(provider);
        var scene = new Scene(identity);
        await scene.MakeAsync("editor", "identity.roles.update", "identity.roleBindings.create", Get);
        await scene.MakeAsync("strong", Get, Restart);
        var bob = await scene.UserAsync("bob");
        await scene.BindAsync("roles/editor", "users/bob", "");
        var fault = await Expect.FaultAsync(StatusCode.PermissionDenied, "GIVES_MORE_THAN_HELD",
            () => scene.ChangeAsync("editor", bob(), "identity.roles.update", "identity.roleBindings.create", Get, Restart));
        Assert.Contains(Restart, fault.Message, StringComparison.Ordinal);
        await Expect.FaultAsync(StatusCode.PermissionDenied, "GIVES_MORE_THAN_HELD", () => scene.BindAsync("roles/strong", "users/bob", "", bob()));
        Assert.False(bob().May(Restart, null));
        // Less is anybody's to make who may change it.
        await scene.ChangeAsync("editor", bob(), "identity.roles.update");
        Assert.False(bob().May(Get, null));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task WhatIsBuiltIn_Stays_AndWhatIsWrong_IsSaidAtOnce(string provider)
    {
        await using var identity = await IdentityFixture.StartAsync(provider);
        var scene = new Scene(identity);
        await Expect.FaultAsync(StatusCode.AlreadyExists, "RESOURCE_EXISTS", () => scene.MakeAsync("reader", Get));
        await Expect.FaultAsync(StatusCode.FailedPrecondition, "ROLE_IS_BUILT_IN", () => scene.ChangeAsync("reader", Get));
        await Expect.FaultAsync(StatusCode.FailedPrecondition, "ROLE_IS_BUILT_IN", () => scene.DeleteAsync("admin"));
        var wrong = await Assert.ThrowsAsync<Fault>(() => scene.MakeAsync("Night", "agent.vms.sync", "compute.servers.fly"));
        Assert.Equal(["role_id", "role.permissions[0]", "role.permissions[1]"], wrong.Fields.Select(v => v.Field));
        await scene.MakeAsync("cloudy", Pools);
        var role = await scene.GetAsync("roles/cloudy");
        Assert.Equal((false, 1, 0), (role.BuiltIn, role.CloudPermissions.Count, role.ProjectPermissions.Count));
        wrong = await Assert.ThrowsAsync<Fault>(() => scene.BindAsync("roles/cloudy", "users/admin", "projects/system"));
        Assert.Contains("gives nothing on a project", wrong.Message, StringComparison.Ordinal);
    }

    sealed class Scene(IdentityFixture identity)
    {
        readonly RoleService roles = identity.Make<RoleService>();

        public Task MakeAsync(string id, params string[] permissions) => roles.CreateRole(
            new CreateRoleRequest { RoleId = id, Role = new() { Permissions = { permissions } } }, identity.As(identity.Admin));

        public Task ChangeAsync(string id, params string[] permissions) => ChangeAsync(id, identity.Admin, permissions);

        public Task ChangeAsync(string id, Caller by, params string[] permissions) => roles.UpdateRole(new UpdateRoleRequest
        {
            Role = new() { Name = "roles/" + id, Permissions = { permissions } },
            UpdateMask = new() { Paths = { "permissions" } },
        }, identity.As(by));

        public Task DeleteAsync(string id) => roles.DeleteRole(new DeleteRoleRequest { Name = "roles/" + id }, identity.As(identity.Admin));

        public Task<Role> GetAsync(string name) => roles.GetRole(new GetRoleRequest { Name = name }, identity.As(identity.Admin));

        public Task BindAsync(string role, string member, string scope, Caller? by = null) => identity.Make<RoleBindingService>().CreateRoleBinding(
            new CreateRoleBindingRequest { RoleBinding = new() { Role = role, Member = member, Scope = scope } },
            identity.As(by ?? identity.Admin, "identity.roleBindings.create"));

        /// <returns>The user as they are at that moment.</returns>
        public async Task<Func<Caller>> UserAsync(string id)
        {
            await identity.Make<UserService>().CreateUser(new CreateUserRequest { UserId = id }, identity.As(identity.Admin));
            var token = await identity.Make<TokenService>().CreateToken(
                new CreateTokenRequest { Parent = "users/" + id }, identity.As(identity.Admin));
            return () => identity.Authentication.Authenticate(token.Secret, out var refusal) ?? throw new InvalidOperationException(refusal);
        }
    }
}
