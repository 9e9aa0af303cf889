using Monolith.Identity.Access;
using Monolith.Platform.Calls;

namespace Monolith.Modules.Tests.Identity;

public class RolesTests
{
    [Theory]
    [InlineData("roles/admin", "", "compute.servers.create", true)]
    [InlineData("roles/admin", "", "identity.tokens.manage", true)]
    [InlineData("roles/admin", "", "agent.vms.sync", false)]
    [InlineData("roles/operator", "", "compute.hypervisors.update", true)]
    [InlineData("roles/operator", "", "compute.servers.get", false)]
    [InlineData("roles/projectAdmin", "projects/p", "identity.roleBindings.create", true)]
    [InlineData("roles/projectAdmin", "projects/p", "identity.projects.create", false)]
    [InlineData("roles/projectAdmin", "projects/p", "identity.projects.delete", false)]
    [InlineData("roles/member", "projects/p", "compute.servers.delete", true)]
    [InlineData("roles/member", "projects/p", "identity.roleBindings.create", false)]
    [InlineData("roles/reader", "projects/p", "compute.servers.get", true)]
    [InlineData("roles/reader", "projects/p", "compute.servers.create", false)]
    [InlineData("roles/reader", "projects/p", "compute.hypervisors.get", false)]
    [InlineData("roles/hypervisor", "", "agent.vms.sync", true)]
    [InlineData("roles/hypervisor", "", "agent.loadBalancers.sync", false)]
    [InlineData("roles/load-balancer", "", "agent.loadBalancers.sync", true)]
    [InlineData("roles/load-balancer", "", "agent.vms.sync", false)]
    [InlineData("roles/expired-node", "", "agent.certificates.renew", true)]
    [InlineData("roles/expired-node", "", "agent.vms.sync", false)]
    public void ARole_Holds_WhatTheTableSays(string role, string scope, string permission, bool holds) =>
        Assert.Equal(holds, Roles.Grant(role, scope).Permissions.Contains(permission));

    [Fact]
    public void AGiver_LacksNothing_OnlyOfRolesWithinItsOwn()
    {
        var member = new Caller("users/m", [Roles.Grant("roles/projectAdmin", "projects/p")]);
        Assert.Empty(Roles.Missing(Roles.Find("roles/member")!, member, "p"));
        Assert.NotEmpty(Roles.Missing(Roles.Find("roles/member")!, member, "q"));
        Assert.Contains("compute.hypervisors.update", Roles.Missing(Roles.Find("roles/operator")!, member, null));
    }
}
