using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Monolith.Compute.V1;
using Monolith.Events.V1;
using Monolith.Host.Tests.Cloud;
using Monolith.Identity.V1;

namespace Monolith.Host.Tests.Projects;

/// <summary>A project that goes with all that it owns, over the wire: servers that run, and what is said of it.</summary>
public sealed class PurgeTests(RunningHost host)
{
    readonly ProjectService.ProjectServiceClient projects = new(host.Invoker);

    [Fact]
    public async Task AProject_GoesWithServersThatRun_AndTheAuditLogSaysWhoseDeedItWas()
    {
        var tenant = new Tenant("purged");
        await tenant.FillAsync(host);
        await host.UserAsync("purged-member", ("roles/member", tenant.Name));
        var by = host.Headers(await host.UserAsync("purger", ("roles/admin", "")));
        await projects.DeleteProjectAsync(new() { Name = tenant.Name, Force = true, Wait = Duration.FromTimeSpan(TimeSpan.Zero) }, by);
        await RunningHost.UntilAsync(() => IsGoneAsync(tenant.Name), "the project is gone");

        var entries = new List<AuditEntry>();
        await RunningHost.UntilAsync(async () =>
        {
            entries = [.. (await new AuditService.AuditServiceClient(host.Invoker).ListAuditEntriesAsync(
                new() { Filter = "caller = \"users/purger\" AND code = 0", PageSize = 1000 }, host.Headers())).Entries];
            return entries.Any(e => e.EventType == "monolith.identity.project.deleted");
        }, "the audit log has it");
        Assert.All(entries, e => Assert.EndsWith("ProjectService/DeleteProject", e.Method, StringComparison.Ordinal));
        foreach (var what in new[] { "servers/s1", "loadBalancers/r1", "networks/r1", "zones/r1", "images/r1", "keyPairs/r1" })
            Assert.Contains(entries, e => e.Resource == $"{tenant.Name}/{what}");
    }

    /// <summary>Its members can look, stop and delete, and make nothing.</summary>
    [Fact]
    public async Task WhileItWaits_ItsMembers_MakeNothing_AndDoTheRest()
    {
        var tenant = new Tenant("waiting");
        await tenant.FillAsync(host);
        var by = host.Headers(await host.UserAsync("waiting-member", ("roles/member", tenant.Name)));
        var admin = host.Headers();
        Assert.Equal(StatusCode.PermissionDenied, (await Assert.ThrowsAsync<RpcException>(() => projects.DeleteProjectAsync(
            new() { Name = tenant.Name, Force = true }, by).ResponseAsync)).StatusCode);
        await projects.DeleteProjectAsync(new() { Name = tenant.Name, Force = true }, admin);
        var seen = await projects.GetProjectAsync(new() { Name = tenant.Name }, by);
        Assert.Equal(("users/admin", Project.Types.State.Deleting), (seen.DeletedBy, seen.State));

        var servers = new ServerService.ServerServiceClient(host.Invoker);
        var groups = new ServerGroupService.ServerGroupServiceClient(host.Invoker);
        var refused = await Assert.ThrowsAsync<RpcException>(() => groups.CreateServerGroupAsync(new()
        {
            Parent = tenant.Name,
            ServerGroupId = "late",
            ServerGroup = new() { Policy = ServerGroup.Types.Policy.SoftAffinity },
        }, by).ResponseAsync);
        Assert.Equal(StatusCode.FailedPrecondition, refused.StatusCode);
        Assert.Contains("monolith project undelete waiting", refused.Status.Detail, StringComparison.Ordinal);
        await servers.StopServerAsync(new() { Name = tenant.Name + "/servers/s1" }, by);
        await RunningHost.UntilAsync(async () => (await servers.GetServerAsync(new() { Name = tenant.Name + "/servers/s1" }, by)).State
            == Server.Types.State.Stopped, "the server is stopped");
        await groups.DeleteServerGroupAsync(new() { Name = tenant.Name + "/serverGroups/r1" }, by);

        await projects.UndeleteProjectAsync(new() { Name = tenant.Name }, admin);
        await servers.StartServerAsync(new() { Name = tenant.Name + "/servers/s1" }, by);
        await RunningHost.UntilAsync(async () => (await servers.GetServerAsync(new() { Name = tenant.Name + "/servers/s1" }, by)).State
            == Server.Types.State.Ready, "the server runs");
        await projects.DeleteProjectAsync(new() { Name = tenant.Name, Force = true, Wait = new() }, admin);
        await RunningHost.UntilAsync(() => IsGoneAsync(tenant.Name), "the project is gone");
    }

    async Task<bool> IsGoneAsync(string name)
    {
        try
        {
            await projects.GetProjectAsync(new() { Name = name }, host.Headers());
            return false;
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.NotFound)
        {
            return true;
        }
    }
}
