using Google.Rpc;
using Grpc.Core;
using Monolith.Host.Tests.Cloud;
using Monolith.Identity.V1;

namespace Monolith.Host.Tests.Access;

/// <summary>Why somebody may or may not, and who can change it.</summary>
public sealed class ExplanationTests(RunningHost host)
{
    const string Create = "compute.servers.create";

    RoleService.RoleServiceClient Roles => new(host.Invoker);

    [Fact]
    public async Task WhoIsDenied_IsToldWhatWouldHelpAndByWhom_AndItHelps()
    {
        var tenant = new Tenant("explained");
        await tenant.FillAsync(host);
        var reader = await host.UserAsync("explained-reader", ("roles/reader", tenant.Name));
        var owner = await host.UserAsync("explained-owner", ("roles/projectAdmin", tenant.Name));

        var why = await ExplainAsync(reader, Create, tenant.Name + "/servers/web1");
        Assert.False(why.Allowed);
        Assert.Equal(["roles/member", "roles/projectAdmin"], why.Roles);
        // Somebody of the project, and nobody of the cloud: those are not a tenant's to know.
        Assert.Equal(["users/explained-owner"], why.Givers);
        Assert.Equal($"users/explained-reader lacks {Create} on {tenant.Name}. roles/member or roles/projectAdmin would give it; "
            + "users/explained-owner can bind it: monolith role-binding create --role member --member explained-reader --scope explained",
            why.Message);

        await new RoleBindingService.RoleBindingServiceClient(host.Invoker).CreateRoleBindingAsync(new CreateRoleBindingRequest
        {
            RoleBinding = new() { Role = why.Roles[0], Member = "users/explained-reader", Scope = tenant.Name },
        }, host.Headers(owner));
        why = await ExplainAsync(reader, Create, tenant.Name);
        Assert.True(why.Allowed);
        Assert.Equal([("roles/member", tenant.Name)], why.Grants.Select(g => (g.Role, g.Scope)));
        Assert.Equal($"users/explained-reader may {Create} on {tenant.Name}, by roles/member on {tenant.Name}.", why.Message);
        Assert.Equal(why, await ExplainAsync(owner, Create, tenant.Name, "users/explained-reader"));
        Assert.Equal(why, await ExplainAsync(host.Token, Create, tenant.Name, "users/explained-reader"));
    }

    [Fact]
    public async Task WhatIsOfTheCloud_IsAskedOfItsAdministrators_WhomATenantDoesNotKnow()
    {
        var owner = await host.UserAsync("explained-tenant", ("roles/projectAdmin", "projects/own"));
        var why = await ExplainAsync(owner, "identity.users.create", "");
        Assert.Equal((false, 0), (why.Allowed, why.Givers.Count));
        Assert.Equal(["roles/admin"], why.Roles);
        Assert.Contains("an administrator of the cloud can bind it", why.Message, StringComparison.Ordinal);
        why = await ExplainAsync(owner, "identity.users.create", "projects/own");
        Assert.Equal((false, 0), (why.Allowed, why.Roles.Count));
        Assert.Contains("it is of the cloud", why.Message, StringComparison.Ordinal);
        Assert.Contains("users/admin", (await ExplainAsync(host.Token, "identity.users.create", "", "users/explained-tenant")).Givers);
        Assert.Contains("nodes have it", (await ExplainAsync(owner, "agent.vms.sync", "")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OfOthers_OnlyWhoSeesTheBindings_AndOfAForeignProject_Nobody()
    {
        var member = await host.UserAsync("explained-member", ("roles/member", "projects/own"));
        Assert.Equal(StatusCode.PermissionDenied, (await RefusedAsync(member, Create, "projects/own", "users/admin")).StatusCode);
        foreach (var project in new[] { "projects/system", "projects/none-such" })
        {
            Assert.Equal(StatusCode.NotFound, (await RefusedAsync(member, Create, project)).StatusCode);
            var tested = await Roles.TestPermissionsAsync(
                new TestPermissionsRequest { Resource = project, Permissions = { Create } }, host.Headers(member));
            Assert.False(tested.Permissions.Single().Held);
        }
        Assert.Equal(StatusCode.NotFound, (await RefusedAsync(host.Token, Create, "projects/own", "users/none-such")).StatusCode);
    }

    [Fact]
    public async Task WhatIsNoPermission_IsSaidAtOnceAndWithAllElseThatIsWrong()
    {
        var refused = await RefusedAsync(host.Token, "compute.servers.fly", "", "admin");
        Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
        Assert.Equal(["member", "permission"], refused.GetRpcStatus()!.GetDetail<BadRequest>()!.FieldViolations.Select(v => v.Field));
    }

    [Fact]
    public async Task Roles_SayWhatTheyGive()
    {
        var listed = await Roles.ListRolesAsync(new ListRolesRequest { PageSize = 2 }, host.Headers());
        Assert.Equal(["roles/admin", "roles/domainAdmin"], listed.Roles.Select(r => r.Name));
        var rest = await Roles.ListRolesAsync(new ListRolesRequest { PageToken = listed.NextPageToken }, host.Headers());
        Assert.Equal(["roles/member", "roles/operator", "roles/projectAdmin", "roles/reader"], rest.Roles.Where(r => r.BuiltIn).Select(r => r.Name));
        foreach (var role in listed.Roles.Concat(rest.Roles).Where(r => r.BuiltIn))
        {
            Assert.NotEmpty(role.Description);
            Assert.NotEqual(0, role.CloudPermissions.Count + role.DomainPermissions.Count + role.ProjectPermissions.Count);
            Assert.Equal(role, await Roles.GetRoleAsync(new GetRoleRequest { Name = role.Name }, host.Headers()));
        }
        var none = await Assert.ThrowsAsync<RpcException>(
            () => Roles.GetRoleAsync(new GetRoleRequest { Name = "roles/hypervisor" }, host.Headers()).ResponseAsync);
        Assert.Equal(StatusCode.NotFound, none.StatusCode);
    }

    async Task<ExplainAccessResponse> ExplainAsync(string token, string permission, string resource, string member = "") =>
        await Roles.ExplainAccessAsync(
            new ExplainAccessRequest { Permission = permission, Resource = resource, Member = member }, host.Headers(token));

    Task<RpcException> RefusedAsync(string token, string permission, string resource, string member = "") =>
        Assert.ThrowsAsync<RpcException>(() => ExplainAsync(token, permission, resource, member));
}
