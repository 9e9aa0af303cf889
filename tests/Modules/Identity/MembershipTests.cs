using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Identity;
using Monolith.Identity.Access;
using Monolith.Identity.Contracts;
using Monolith.Identity.V1;
using Monolith.Modules.Tests.Calls;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Storage;
using DomainService = Monolith.Identity.Domains.DomainService;
using GroupService = Monolith.Identity.Groups.GroupService;
using ProjectService = Monolith.Identity.Projects.ProjectService;
using RoleBindingService = Monolith.Identity.RoleBindings.RoleBindingService;
using RoleService = Monolith.Identity.Access.RoleService;
using ServiceAccountService = Monolith.Identity.ServiceAccounts.ServiceAccountService;
using TokenService = Monolith.Identity.Tokens.TokenService;
using UserService = Monolith.Identity.Users.UserService;

namespace Monolith.Modules.Tests.Identity;

/// <summary>Groups and service accounts: what comes of being one, and of being in one.</summary>
public sealed class MembershipTests
{
    const string Get = "compute.servers.get";

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AGroupsRole_IsItsMembers_FromWhenTheyJoinUntilTheyLeave(string provider)
    {
        await using var identity = await IdentityFixture.StartAsync(provider);
        var scene = await Scene.SetAsync(identity);
        var ann = await scene.UserAsync("ann");
        await scene.Groups.CreateGroup(new() { GroupId = "dev" }, scene.Admin());
        await scene.BindAsync("roles/reader", "groups/dev", "projects/a");
        Assert.False(ann().May(Get, "a"));
        await scene.Groups.AddGroupMembers(new() { Name = "groups/dev", Members = { "users/ann" } }, scene.Admin());
        Assert.Equal((true, false), (ann().May(Get, "a"), ann().May(Get, null)));
        Assert.Equal("groups/dev", ann().Grants.Single().Group);

        var said = await identity.Make<RoleService>().ExplainAccess(new() { Permission = Get, Resource = "projects/a" }, identity.As(ann()));
        Assert.Equal($"users/ann may {Get} on projects/a, by roles/reader on projects/a as one of groups/dev.", said.Message);

        await identity.RestartAsync();
        scene = await Scene.SetAsync(identity);
        Assert.True(ann().May(Get, "a"));
        await scene.Groups.RemoveGroupMembers(new() { Name = "groups/dev", Members = { "users/ann", "users/nobody" } }, scene.Admin());
        Assert.False(ann().May(Get, "a"));
        await scene.Groups.AddGroupMembers(new() { Name = "groups/dev", Members = { "users/ann" } }, scene.Admin());
        await scene.Groups.DeleteGroup(new() { Name = "groups/dev" }, scene.Admin());
        Assert.False(ann().May(Get, "a"));
        Assert.Equal(0, await identity.Get<Store<IdentityDb>>().ReadAsync(db => db.RoleBindings.CountAsync(b => b.Member == "groups/dev")));
    }

    /// <summary>Who comes after somebody under the same name has nothing of what that one had.</summary>
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task WhoGoes_LeavesNothingBehind(string provider)
    {
        await using var identity = await IdentityFixture.StartAsync(provider);
        var scene = await Scene.SetAsync(identity);
        var (user, account) = ("users/ann", "projects/a/serviceAccounts/ci");
        await scene.UserAsync("ann");
        var ci = await scene.AccountAsync("a", "ci");
        await scene.Groups.CreateGroup(new() { GroupId = "dev", Group = new() { Members = { user, account } } }, scene.Admin());
        foreach (var member in new[] { user, account, "groups/dev" }) await scene.BindAsync("roles/reader", member, "projects/b");
        Assert.Equal(["", "groups/dev"], ci().Grants.Select(g => g.Group));
        await identity.Make<UserService>().DeleteUser(new() { Name = user }, scene.Admin());
        Assert.Equal([account], (await scene.Groups.GetGroup(new() { Name = "groups/dev" }, scene.Admin())).Members);
        await scene.Accounts.DeleteServiceAccount(new() { Name = account }, scene.Admin());
        Assert.Empty((await scene.Groups.GetGroup(new() { Name = "groups/dev" }, scene.Admin())).Members);
        Assert.Throws<InvalidOperationException>(() => ci());
        Assert.Empty((await scene.UserAsync("ann"))().Grants);
        Assert.Empty((await scene.AccountAsync("a", "ci"))().Grants);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AServiceAccount_IsItsProjects_AndCallsAsItself(string provider)
    {
        await using var identity = await IdentityFixture.StartAsync(provider);
        var scene = await Scene.SetAsync(identity);
        var owner = await scene.UserAsync("owner");
        var member = await scene.UserAsync("member");
        await scene.BindAsync("roles/projectAdmin", "users/owner", "projects/a");
        await scene.BindAsync("roles/member", "users/member", "projects/a");
        var name = "projects/a/serviceAccounts/ci";
        await scene.Accounts.CreateServiceAccount(new() { Parent = "projects/a", ServiceAccountId = "ci" }, identity.As(owner()));
        var tokens = identity.Make<TokenService>();
        // To act as it is more than to work in its project.
        await Expect.FaultAsync(StatusCode.PermissionDenied, "PERMISSION_MISSING", () => tokens.CreateToken(new() { Parent = name }, identity.As(member())));
        await Expect.FaultAsync(StatusCode.PermissionDenied, "PERMISSION_MISSING", () => tokens.ListTokens(new() { Parent = name }, identity.As(member())));
        var made = await tokens.CreateToken(new() { Parent = name, Token = new() { Permissions = { Get } } }, identity.As(owner()));
        Caller Ci() => identity.Authentication.Authenticate(made.Secret, out var refusal) ?? throw new InvalidOperationException(refusal);
        Assert.Equal((name, $"{name}/tokens/{made.Token.Uid}"), (Ci().Name, Ci().Credential));
        await scene.BindAsync("roles/member", name, "projects/a", owner());
        Assert.Equal((true, false), (Ci().May(Get, "a"), Ci().May("compute.servers.create", "a")));

        // Another project's are not there.
        var stranger = await scene.UserAsync("stranger");
        await scene.BindAsync("roles/projectAdmin", "users/stranger", "projects/b");
        foreach (var absent in new[] { name, "projects/a/serviceAccounts/none", "projects/none/serviceAccounts/ci" })
        {
            await Expect.FaultAsync(StatusCode.NotFound, "RESOURCE_NOT_FOUND", () => tokens.CreateToken(new() { Parent = absent }, identity.As(stranger())));
            await Expect.FaultAsync(StatusCode.NotFound, "RESOURCE_NOT_FOUND", () => tokens.RevokeToken(
                new() { Name = absent + "/tokens/" + made.Token.Uid }, identity.As(stranger())));
            var fault = await Assert.ThrowsAsync<Fault>(() => scene.BindAsync("roles/reader", absent, "projects/b", stranger()));
            Assert.Equal($"role_binding.member: {absent} does not exist", fault.Message);
        }

        await scene.Accounts.UpdateServiceAccount(new()
        {
            ServiceAccount = new() { Name = name, Disabled = true },
            UpdateMask = new() { Paths = { "disabled" } },
        }, identity.As(owner()));
        Assert.Equal("USER_DISABLED", Assert.Throws<InvalidOperationException>(() => Ci()).Message);

        var projects = identity.Make<ProjectService>();
        var kept = await Expect.FaultAsync(StatusCode.FailedPrecondition, "PROJECT_NOT_EMPTY",
            () => projects.DeleteProject(new() { Name = "projects/a" }, scene.Admin()));
        Assert.Equal("1", kept.Metadata["serviceAccounts"]);
        await scene.Accounts.DeleteServiceAccount(new() { Name = name }, identity.As(owner()));
        await projects.DeleteProject(new() { Name = "projects/a" }, scene.Admin());
        await Expect.FaultAsync(StatusCode.NotFound, "RESOURCE_NOT_FOUND", () => scene.Accounts.CreateServiceAccount(
            new() { Parent = "projects/a", ServiceAccountId = "late" }, scene.Admin()));
    }

    /// <summary>Else the right to fill groups would be the right to everything.</summary>
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Nobody_PutsAnybodyIntoAGroup_ThatHasWhatTheyDoNot(string provider)
    {
        await using var identity = await IdentityFixture.StartAsync(provider);
        var scene = await Scene.SetAsync(identity);
        await identity.Make<RoleService>().CreateRole(new()
        {
            RoleId = "keeper", Role = new() { Permissions = { "identity.groups.update", "identity.groups.create", Get } },
        }, scene.Admin());
        var bob = await scene.UserAsync("bob");
        await scene.BindAsync("roles/keeper", "users/bob", "");
        await scene.Groups.CreateGroup(new() { GroupId = "root" }, scene.Admin());
        await scene.Groups.CreateGroup(new() { GroupId = "dev" }, identity.As(bob()));
        await scene.BindAsync("roles/admin", "groups/root", "");
        await scene.BindAsync("roles/keeper", "groups/dev", "");
        var update = new UpdateGroupRequest { Group = new() { Name = "groups/root", Members = { "users/bob" } } };
        foreach (var way in new Func<Task>[]
        {
            () => scene.Groups.AddGroupMembers(new() { Name = "groups/root", Members = { "users/bob" } }, identity.As(bob())),
            () => scene.Groups.UpdateGroup(update, identity.As(bob())),
        })
        {
            var fault = await Expect.FaultAsync(StatusCode.PermissionDenied, "GIVES_MORE_THAN_HELD", way);
            Assert.Contains("roles/admin", fault.Message, StringComparison.Ordinal);
        }
        Assert.False(bob().May("compute.servers.create", null));
        await scene.Groups.AddGroupMembers(new() { Name = "groups/dev", Members = { "users/bob" } }, identity.As(bob()));

        // Who is administrator by a group alone does not keep the last one from going.
        await scene.Groups.AddGroupMembers(new() { Name = "groups/root", Members = { "users/bob" } }, scene.Admin());
        await Expect.FaultAsync(StatusCode.FailedPrecondition, "LAST_ADMINISTRATOR", () =>
            identity.Make<UserService>().DeleteUser(new() { Name = "users/admin" }, scene.Admin()));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task ADomainsRole_CountsInItsProjects_AndItsAdministratorMakesThem(string provider)
    {
        await using var identity = await IdentityFixture.StartAsync(provider);
        var scene = await Scene.SetAsync(identity);
        var projects = identity.Make<ProjectService>();
        foreach (var id in new[] { "pay", "web" }) await scene.Domains.CreateDomain(new() { DomainId = id }, scene.Admin());
        var boss = await scene.UserAsync("boss");
        var dev = await scene.UserAsync("dev");
        await scene.BindAsync("roles/domainAdmin", "users/boss", "domains/pay");
        await scene.BindAsync("roles/member", "users/dev", "domains/pay", boss());
        Assert.False(dev().Knows("pay1"));
        await projects.CreateProject(new() { ProjectId = "pay1", Project = new() { Domain = "domains/pay" } }, identity.As(boss()));
        Assert.Equal((true, false, false), (dev().May(Get, "pay1"), dev().May(Get, "a"), dev().May(Get, null)));
        Assert.Equal((true, false), (boss().May("identity.projects.delete", "pay1"), dev().May("identity.projects.delete", "pay1")));
        var said = await identity.Make<RoleService>().ExplainAccess(new() { Permission = Get, Resource = "projects/pay1" }, identity.As(dev()));
        Assert.Equal($"users/dev may {Get} on projects/pay1, by roles/member on domains/pay.", said.Message);

        // Nowhere else: neither in another domain, nor in none, nor by claiming to be somewhere.
        await Expect.FaultAsync(StatusCode.NotFound, "RESOURCE_NOT_FOUND", () => projects.CreateProject(
            new() { ProjectId = "web1", Project = new() { Domain = "domains/web" } }, identity.As(boss())));
        await Expect.FaultAsync(StatusCode.PermissionDenied, "PERMISSION_MISSING", () => projects.CreateProject(
            new() { ProjectId = "free", Project = new() { Name = "projects/pay1" } }, identity.As(boss())));
        await Expect.FaultAsync(StatusCode.PermissionDenied, "PERMISSION_MISSING", () => projects.CreateProject(
            new() { ProjectId = "pay2", Project = new() { Domain = "domains/pay" } }, identity.As(dev())));
        await Expect.FaultAsync(StatusCode.NotFound, "RESOURCE_NOT_FOUND", () => scene.MoveAsync("projects/pay1", "domains/web", boss()));
        await Expect.FaultAsync(StatusCode.PermissionDenied, "PERMISSION_MISSING", () => scene.MoveAsync("projects/pay1", "", boss()));
        await Expect.FaultAsync(StatusCode.PermissionDenied, "PERMISSION_MISSING", () => scene.BindAsync("roles/admin", "users/dev", "", boss()));

        // Who runs projects and sees into none does not move one to where they would.
        await identity.Make<RoleService>().CreateRole(new()
        {
            RoleId = "portal", Role = new() { Permissions = { "identity.projects.create", "identity.projects.update", "identity.projects.delete" } },
        }, scene.Admin());
        var portal = await scene.UserAsync("portal");
        await scene.BindAsync("roles/portal", "users/portal", "");
        await scene.BindAsync("roles/domainAdmin", "users/portal", "domains/web");
        var moved = await Expect.FaultAsync(StatusCode.PermissionDenied, "GIVES_MORE_THAN_HELD", () => scene.MoveAsync("projects/a", "domains/web", portal()));
        Assert.Contains("roles/domainAdmin", moved.Message, StringComparison.Ordinal);
        await scene.MoveAsync("projects/a", "", portal());

        await Expect.FaultAsync(StatusCode.FailedPrecondition, "DOMAIN_NOT_EMPTY", () => scene.Domains.DeleteDomain(new() { Name = "domains/pay" }, scene.Admin()));
        await scene.MoveAsync("projects/pay1", "domains/web");
        Assert.Equal((false, false), (dev().Knows("pay1"), boss().Knows("pay1")));
        await scene.MoveAsync("projects/pay1", "domains/pay");
        Assert.True(dev().May(Get, "pay1"));
        await projects.DeleteProject(new() { Name = "projects/pay1" }, identity.As(boss()));
        await scene.Domains.DeleteDomain(new() { Name = "domains/pay" }, scene.Admin());
        Assert.Empty(boss().Grants);
    }

    [Fact]
    public async Task WhatIsWrong_IsSaidAtOnce()
    {
        await using var identity = await IdentityFixture.StartAsync("sqlite");
        var scene = await Scene.SetAsync(identity);
        var fault = await Assert.ThrowsAsync<Fault>(() => scene.Groups.CreateGroup(new()
        {
            GroupId = "Dev",
            Group = new() { DisplayName = "a\nb", Members = { "users/admin", "groups/dev", "users/a b", "nodes/n" } },
        }, scene.Admin()));
        Assert.Equal(["group_id", "group.display_name", "group.members[1]", "group.members[2]", "group.members[3]"],
            fault.Fields.Select(f => f.Field));
        fault = await Assert.ThrowsAsync<Fault>(() => scene.Groups.CreateGroup(new()
        {
            GroupId = "dev", Group = new() { Members = { "users/x", "users/admin", "projects/a/serviceAccounts/y" } },
        }, scene.Admin()));
        Assert.Equal(["users/x does not exist", "projects/a/serviceAccounts/y does not exist"], fault.Fields.Select(f => f.Description).Order().Reverse());
        fault = await Assert.ThrowsAsync<Fault>(() => scene.Groups.AddGroupMembers(new() { Name = "groups/dev" }, scene.Admin()));
        Assert.Equal("members: is required", fault.Message);
    }

    /// <summary>What is kept in memory and mended by events is, whatever happens, what the rows say.</summary>
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Everybody_MayWhatTheRowsSay_WhateverHappened(string provider)
    {
        var seed = Random.Shared.Next();
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        await using var identity = await IdentityFixture.StartAsync(provider);
        var scene = await Scene.SetAsync(identity);
        string[] members = ["users/u0", "users/u1", "users/u2", "projects/a/serviceAccounts/s0", "projects/b/serviceAccounts/s1"];
        string[] groups = ["groups/g0", "groups/g1"], domains = ["domains/d0", "domains/d1"], scopes = ["", "projects/a", "projects/b", .. domains], roles = ["roles/reader", "roles/member", "roles/own"];
        await identity.Make<RoleService>().CreateRole(new() { RoleId = "own", Role = new() { Permissions = { Get } } }, scene.Admin());
        for (var step = 0; step < 120; step++)
        {
            var (member, group) = (Pick(members), Pick(groups));
            await TryAsync(random.Next(15) switch
            {
                0 or 1 => () => Make(member),
                2 => () => Delete(member),
                3 => () => scene.Groups.CreateGroup(new() { GroupId = group[7..], Group = new() { Members = { Pick(members) } } }, scene.Admin()),
                4 => () => scene.Groups.DeleteGroup(new() { Name = group }, scene.Admin()),
                5 or 6 => () => scene.Groups.AddGroupMembers(new() { Name = group, Members = { member } }, scene.Admin()),
                7 => () => scene.Groups.RemoveGroupMembers(new() { Name = group, Members = { member } }, scene.Admin()),
                8 or 9 => () => scene.BindAsync(Pick(roles), random.Next(2) == 0 ? member : group, Pick(scopes)),
                10 => UnbindAsync,
                11 => () => scene.Domains.CreateDomain(new() { DomainId = Pick(domains)[8..] }, scene.Admin()),
                12 => () => scene.Domains.DeleteDomain(new() { Name = Pick(domains) }, scene.Admin()),
                13 => () => scene.MoveAsync(Pick(["projects/a", "projects/b"]), Pick([.. domains, ""])),
                _ => () => identity.Make<RoleService>().UpdateRole(new()
                {
                    Role = new() { Name = "roles/own", Permissions = { Get, "compute.servers." + Pick(["create", "delete", "start"]) } },
                }, scene.Admin()),
            });
            await HoldsAsync();
        }

        T Pick<T>(IReadOnlyList<T> of) => of[random.Next(of.Count)];

        Task Make(string member) => member.StartsWith("users/", StringComparison.Ordinal)
            ? identity.Make<UserService>().CreateUser(new() { UserId = member[6..] }, scene.Admin())
            : scene.Accounts.CreateServiceAccount(new() { Parent = member[..10], ServiceAccountId = member[^2..] }, scene.Admin());

        Task Delete(string member) => member.StartsWith("users/", StringComparison.Ordinal)
            ? identity.Make<UserService>().DeleteUser(new() { Name = member }, scene.Admin())
            : scene.Accounts.DeleteServiceAccount(new() { Name = member }, scene.Admin());

        async Task UnbindAsync()
        {
            var all = await identity.Get<Store<IdentityDb>>().ReadAsync(db => db.RoleBindings.Where(b => b.Member != "users/admin").ToListAsync());
            if (all.Count > 0)
                await identity.Make<RoleBindingService>().DeleteRoleBinding(new() { Name = Pick(all).Name },
                    identity.As(identity.Admin, "identity.roleBindings.delete"));
        }

        static async Task TryAsync(Func<Task> step)
        {
            try
            {
                await step();
            }
            catch (Fault fault) when (fault.Code is StatusCode.NotFound or StatusCode.AlreadyExists or StatusCode.InvalidArgument
                or StatusCode.FailedPrecondition)
            {
                // There is none, or there is one already: so it goes.
            }
        }

        async Task HoldsAsync()
        {
            var (kept, read) = (identity.Get<Registry>().Known, await identity.Get<Store<IdentityDb>>().ReadAsync(Known.LoadAsync));
            Assert.Equal(Said(read), Said(kept));
            var rows = await identity.Get<Store<IdentityDb>>().ReadAsync(async db =>
                (Bindings: await db.RoleBindings.ToListAsync(), Groups: await db.Groups.ToListAsync(), Projects: await db.Projects.ToListAsync()));
            foreach (var (name, user) in kept.Users)
            {
                var names = rows.Groups.Where(g => g.MemberList.Contains(name)).Select(g => g.Name).Append(name).ToList();
                Assert.Equal(rows.Bindings.Where(b => names.Contains(b.Member))
                    .SelectMany(b => rows.Projects.Where(p => p.Domain.Length > 0 && p.Domain == b.Scope).Select(p => p.Name).Append(b.Scope)
                        .Select(where => (b.Role, where))).Order(),
                    user.Caller.Grants.Select(g => (g.Role, g.Scope)).Order());
            }
        }

        static IEnumerable<string> Said(Known known) => known.Users.OrderBy(u => u.Key, StringComparer.Ordinal).Select(u =>
            $"{u.Key}: {string.Join(", ", u.Value.Caller.Grants.Select(g => $"{g.Role} {g.Scope} {g.Group} {g.Permissions.Contains("compute.servers.create")}"
                + $"{g.Permissions.Contains("compute.servers.start")}").Order())}");
    }

    sealed class Scene(IdentityFixture identity)
    {
        public GroupService Groups { get; } = identity.Make<GroupService>();
        public DomainService Domains { get; } = identity.Make<DomainService>();
        public ServiceAccountService Accounts { get; } = identity.Make<ServiceAccountService>();

        public static async Task<Scene> SetAsync(IdentityFixture identity)
        {
            var scene = new Scene(identity);
            foreach (var project in new[] { "a", "b" })
                if (!identity.Get<IProjects>().Exists(project))
                    await identity.Make<ProjectService>().CreateProject(new() { ProjectId = project }, scene.Admin());
            return scene;
        }

        public FakeCall Admin() => identity.As(identity.Admin);

        public Task BindAsync(string role, string member, string scope, Caller? by = null) => identity.Make<RoleBindingService>().CreateRoleBinding(
            new() { RoleBinding = new() { Role = role, Member = member, Scope = scope } },
            identity.As(by ?? identity.Admin, "identity.roleBindings.create"));

        public Task MoveAsync(string project, string domain, Caller? by = null) => identity.Make<ProjectService>().UpdateProject(new()
        {
            Project = new() { Name = project, Domain = domain },
            UpdateMask = new() { Paths = { "domain" } },
        }, identity.As(by ?? identity.Admin));

        public async Task<Func<Caller>> UserAsync(string id)
        {
            await identity.Make<UserService>().CreateUser(new() { UserId = id }, Admin());
            return await TokenAsync("users/" + id);
        }

        public async Task<Func<Caller>> AccountAsync(string project, string id) => await TokenAsync(
            (await Accounts.CreateServiceAccount(new() { Parent = "projects/" + project, ServiceAccountId = id }, Admin())).Name);

        /// <returns>Them as they are at that moment.</returns>
        async Task<Func<Caller>> TokenAsync(string of)
        {
            var token = await identity.Make<TokenService>().CreateToken(new() { Parent = of }, Admin());
            return () => identity.Authentication.Authenticate(token.Secret, out var refusal) ?? throw new InvalidOperationException(refusal);
        }
    }
}
