using CsCheck;
using Grpc.Core;
using Monolith.Identity.Access;
using Monolith.Identity.Tokens;
using Monolith.Identity.Users;
using Monolith.Identity.V1;
using Monolith.Modules.Tests.Calls;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using ProjectService = Monolith.Identity.Projects.ProjectService;
using RoleBindingService = Monolith.Identity.RoleBindings.RoleBindingService;
using RoleService = Monolith.Identity.Access.RoleService;
using TokenService = Monolith.Identity.Tokens.TokenService;
using UserService = Monolith.Identity.Users.UserService;

namespace Monolith.Modules.Tests.Identity;

/// <summary>Tokens that are good for less than their user may.</summary>
public class TokenLimitTests
{
    static readonly string[] Permissions =
        ["compute.servers.get", "compute.servers.create", "compute.flavors.create", "identity.roleBindings.create", "identity.users.create"];

    static Gen<string> OneOf(params string[] words) => Gen.Int[0, words.Length - 1].Select(i => words[i]);

    static readonly Gen<CallerGrant> Grants = Gen.Select(
        OneOf("", "projects/a", "projects/b"), OneOf("roles/admin", "roles/reader", "roles/member", "roles/projectAdmin"),
        (scope, role) => Roles.Grant(role, scope));

    /// <summary>What a token may is what its user may, and what is listed, and where it is good; never more.</summary>
    [Fact]
    public void ATokenMay_WhatItsUserMay_AndItIsGoodFor() => Gen.Select(
        Grants.Array[0, 4], OneOf(Permissions).HashSet[0, 3], OneOf("", "projects/a")).Sample((grants, listed, scope) =>
        {
            var user = new Caller("users/u", grants);
            var limits = new TokenLimits([.. listed], scope);
            var limited = limits.Of(user);
            Assert.True(limited.IsLimited);
            Assert.Same(limited, limits.Of(user));
            foreach (var permission in Permissions)
                foreach (var project in new[] { null, "a", "b" })
                {
                    var good = (listed.Count == 0 || listed.Contains(permission)) && (scope.Length == 0 || project == "a");
                    // On a project, what is the cloud's is not held by who is limited to it.
                    var held = scope.Length > 0 && project is not null
                        ? user.May(permission, project) && Roles.WithinProject(new PermissionSet([permission], [])).Contains(permission)
                        : user.May(permission, project);
                    Assert.True(limited.May(permission, project) == (good && held), $"{permission} on {project ?? "the cloud"}");
                }
        });

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task ALimitedToken_IsWhatItSays_AndCannotMakeItselfMore(string provider)
    {
        await using var identity = await IdentityFixture.StartAsync(provider);
        var admin = identity.As(identity.Admin);
        var tokens = identity.Make<TokenService>();
        await identity.Make<ProjectService>().CreateProject(new() { ProjectId = "a" }, admin);
        await identity.Make<UserService>().CreateUser(new() { UserId = "bob" }, admin);
        await identity.Make<RoleBindingService>().CreateRoleBinding(
            new() { RoleBinding = new() { Role = "roles/member", Member = "users/bob", Scope = "projects/a" } },
            identity.As(identity.Admin, "identity.roleBindings.create"));
        var made = await tokens.CreateToken(new()
        {
            Parent = "users/bob",
            Token = new() { Permissions = { "compute.servers.get", "compute.servers.get" }, Scope = "projects/a" },
        }, admin);
        Assert.Equal("compute.servers.get on projects/a", $"{string.Join(' ', made.Token.Permissions)} on {made.Token.Scope}");
        await identity.RestartAsync();
        tokens = identity.Make<TokenService>();
        var limited = identity.Authentication.Authenticate(made.Secret)!;
        Assert.Equal((made.Token.Name, true, true, false),
            (limited.Credential, limited.IsLimited, limited.May("compute.servers.get", "a"), limited.May("compute.servers.create", "a")));

        var by = identity.As(limited);
        await Expect.FaultAsync(StatusCode.PermissionDenied, "PERMISSION_MISSING", () => tokens.CreateToken(new() { Parent = "users/bob" }, by));
        await Expect.FaultAsync(StatusCode.PermissionDenied, "PERMISSION_MISSING", () => tokens.ListTokens(new() { Parent = "users/bob" }, by));
        var explained = await identity.Make<RoleService>().ExplainAccess(new() { Permission = "compute.servers.create", Resource = "projects/a" }, by);
        Assert.False(explained.Allowed);
        Assert.Contains("limited to less", explained.Message, StringComparison.Ordinal);
        Assert.True((await identity.Make<RoleService>().ExplainAccess(
            new() { Permission = "compute.servers.get", Resource = "projects/a" }, by)).Allowed);
        // It ends itself, and nothing else.
        await tokens.RevokeToken(new() { Name = made.Token.Name }, by);
        Assert.Null(identity.Authentication.Authenticate(made.Secret));
    }

    /// <summary>Of what is not listed nothing is left: neither what it may do nor what it may know of.</summary>
    [Fact]
    public void WhereNothingIsLeft_NothingIsKnown()
    {
        var user = new Caller("users/u", [Roles.Grant("roles/reader", ""), Roles.Grant("roles/member", "projects/a")]);
        var limited = new TokenLimits(["compute.servers.create"], "").Of(user);
        Assert.Equal((true, false), (limited.Knows("a"), limited.Knows("b")));
        Assert.Equal("projects/a", Assert.Single(limited.Grants).Scope);
    }

    /// <summary>Whoever may know of no project is told of each that it does not exist.</summary>
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AProjectThatIsAnothers_IsAsOneThatIsNot(string provider)
    {
        await using var identity = await IdentityFixture.StartAsync(provider);
        await identity.Make<ProjectService>().CreateProject(new() { ProjectId = "a" }, identity.As(identity.Admin));
        var answers = new List<string>();
        foreach (var project in new[] { "a", "b" })
            answers.Add((await Assert.ThrowsAsync<Fault>(() => identity.Make<TokenService>().CreateToken(new()
            {
                Parent = "users/eve",
                Token = new() { Scope = "projects/" + project },
                ValidateOnly = true,
            }, identity.As(new Caller("users/eve", []))))).Fields.Single().Description.Replace("projects/" + project, "it", StringComparison.Ordinal));
        Assert.Equal(answers[0], answers[1]);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task LimitsThatAreNone_AreAllSaid(string provider)
    {
        await using var identity = await IdentityFixture.StartAsync(provider);
        var fault = await Assert.ThrowsAsync<Fault>(() => identity.Make<TokenService>().CreateToken(new()
        {
            Parent = "users/admin",
            Token = new() { Permissions = { "compute.servers.get", "no.such.thing", "agent.vms.sync" }, Scope = "projects/none" },
        }, identity.As(identity.Admin)));
        Assert.Equal(["token.permissions[1]", "token.permissions[2]", "token.scope"], fault.Fields.Select(f => f.Field));
    }
}
