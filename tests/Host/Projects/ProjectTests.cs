using Grpc.Core;
using Monolith.Api.V1;
using Monolith.Compute.V1;
using Monolith.Host.Tests.Cloud;
using Monolith.Identity.V1;
using Monolith.Lb.V1;
using Monolith.Network.V1;

namespace Monolith.Host.Tests.Projects;

/// <summary>What several modules do together, over the wire.</summary>
public sealed class ProjectTests(RunningHost host)
{
    [Fact]
    public async Task AProject_IsKeptWhileItOwnsSomething_AndThenGoes()
    {
        var tenant = new Tenant("leaving");
        await tenant.FillAsync(host);
        var projects = new ProjectService.ProjectServiceClient(host.Invoker);
        var e = await Assert.ThrowsAsync<RpcException>(() => projects.DeleteProjectAsync(
            new DeleteProjectRequest { Name = tenant.Name }, host.Headers()).ResponseAsync);
        Assert.Equal(StatusCode.FailedPrecondition, e.StatusCode);
        var left = e.GetRpcStatus()!.GetDetail<Google.Rpc.PreconditionFailure>()!.Violations
            .ToDictionary(v => v.Subject[(tenant.Name.Length + 1)..], v => v.Description);
        Assert.Equal(["addressSets", "floatingAddresses", "images", "keyPairs", "loadBalancers", "networks", "ports",
                "securityGroups", "serverGroups", "servers", "serviceAccounts", "zones"],
            left.Keys.Order(StringComparer.Ordinal));
        Assert.Contains("projects/leaving/servers/s1", left["servers"], StringComparison.Ordinal);

        var (wire, by) = (host.Invoker, host.Headers());
        await new ServerService.ServerServiceClient(wire).DeleteServerAsync(new() { Name = tenant.Name + "/servers/s1" }, by);
        await new LoadBalancerService.LoadBalancerServiceClient(wire).DeleteLoadBalancerAsync(
            new() { Name = tenant.Name + "/loadBalancers/r1" }, by);
        await new KeyPairService.KeyPairServiceClient(wire).DeleteKeyPairAsync(new() { Name = tenant.Name + "/keyPairs/r1" }, by);
        await new ServerGroupService.ServerGroupServiceClient(wire).DeleteServerGroupAsync(
            new() { Name = tenant.Name + "/serverGroups/r1" }, by);
        await new AddressSetService.AddressSetServiceClient(wire).DeleteAddressSetAsync(
            new() { Name = tenant.Name + "/addressSets/r1" }, by);
        await new FloatingAddressService.FloatingAddressServiceClient(wire).DeleteFloatingAddressAsync(
            new() { Name = tenant.Name + "/floatingAddresses/r1" }, by);
        await new PortService.PortServiceClient(wire).DeletePortAsync(new() { Name = tenant.Name + "/ports/r1" }, by);
        await new Dns.V1.ZoneService.ZoneServiceClient(wire).DeleteZoneAsync(new() { Name = tenant.Name + "/zones/r1" }, by);
        await new SecurityGroupService.SecurityGroupServiceClient(wire).DeleteSecurityGroupAsync(
            new() { Name = tenant.Name + "/securityGroups/r1" }, by);
        await new ServiceAccountService.ServiceAccountServiceClient(wire).DeleteServiceAccountAsync(
            new() { Name = tenant.Name + "/serviceAccounts/r1" }, by);
        await new Image.V1.ImageService.ImageServiceClient(wire).DeleteImageAsync(new() { Name = tenant.Name + "/images/r1" }, by);
        await RunningHost.UntilAsync(async () =>
        {
            try
            {
                await new NetworkService.NetworkServiceClient(wire).DeleteNetworkAsync(
                    new() { Name = tenant.Name + "/networks/r1" }, by);
                return true;
            }
            catch (RpcException busy) when (busy.StatusCode == StatusCode.FailedPrecondition)
            {
                return false;
            }
        }, "the server's port is gone");
        await RunningHost.UntilAsync(async () =>
        {
            try
            {
                await projects.DeleteProjectAsync(new DeleteProjectRequest { Name = tenant.Name }, by);
                return true;
            }
            catch (RpcException busy) when (busy.StatusCode == StatusCode.FailedPrecondition)
            {
                return false;
            }
        }, "the project is gone");
    }

    /// <summary>
    /// Two resources want one name. A server that comes second is refused; one that was accepted before, and waits for an
    /// address meanwhile, says so, and has the name as soon as the other lets go.
    /// </summary>
    [Fact]
    public async Task AServer_WhoseNameIsTaken_SaysWhose_AndIsReadyWhenItIsFree()
    {
        var pools = new AddressPoolService.AddressPoolServiceClient(host.Invoker);
        var pool = await pools.CreateAddressPoolAsync(new CreateAddressPoolRequest
        {
            AddressPoolId = "twins",
            AddressPool = new() { Prefixes = { "10.99.0.0/32" }, Purpose = AddressPool.Types.Purpose.Server },
        }, host.Headers());
        await new NetworkService.NetworkServiceClient(host.Invoker).CreateNetworkAsync(new CreateNetworkRequest
        {
            Parent = "projects/own",
            NetworkId = "twins",
            Network = new() { AddressPools = { pool.Name } },
        }, host.Headers());
        await new PortService.PortServiceClient(host.Invoker).CreatePortAsync(new CreatePortRequest
        {
            Parent = "projects/own",
            PortId = "twins",
            Port = new() { Network = "projects/own/networks/twins" },
        }, host.Headers());
        await host.Own.CreateServerAsync(host, "twin", "twins");
        var balancers = new LoadBalancerService.LoadBalancerServiceClient(host.Invoker);
        var name = "projects/own/loadBalancers/twin";
        await balancers.CreateLoadBalancerAsync(new CreateLoadBalancerRequest
        {
            Parent = "projects/own",
            LoadBalancerId = "twin",
            LoadBalancer = new(),
        }, host.Headers());
        await RunningHost.UntilAsync(async () => (await balancers.GetLoadBalancerAsync(new() { Name = name }, host.Headers()))
            .DnsName.Length > 0, "the load balancer has its name");
        pool.Prefixes.Add("10.99.1.0/32");
        pool.Etag = "";
        await pools.UpdateAddressPoolAsync(new() { AddressPool = pool, UpdateMask = new() { Paths = { "prefixes" } } },
            host.Headers());

        var servers = new ServerService.ServerServiceClient(host.Invoker);
        Condition? named = null;
        await RunningHost.UntilAsync(async () =>
        {
            var server = await servers.GetServerAsync(new() { Name = "projects/own/servers/twin" }, host.Headers());
            named = server.Conditions.FirstOrDefault(c => c.Type == "Named");
            return named is { Reason.Length: > 0 };
        }, "the server says what is the matter with its name");
        Assert.Equal(("NAME_TAKEN", Condition.Types.Status.Pending), (named!.Reason, named.Status));
        Assert.Contains(name, named.Message, StringComparison.Ordinal);
        Assert.NotNull(named.Deadline);

        await balancers.DeleteLoadBalancerAsync(new() { Name = name }, host.Headers());
        await RunningHost.UntilAsync(async () => (await servers.GetServerAsync(
            new() { Name = "projects/own/servers/twin" }, host.Headers())).State == Server.Types.State.Ready, "it is READY");
        // Now the name is the server's.
        var refused = await Assert.ThrowsAsync<RpcException>(async () => await balancers.CreateLoadBalancerAsync(
            new CreateLoadBalancerRequest { Parent = "projects/own", LoadBalancerId = "twin", LoadBalancer = new() },
            host.Headers()));
        Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
        Assert.Contains("load_balancer_id: twin.own.cloud.internal is the name of projects/own/servers/twin",
            refused.Status.Detail, StringComparison.Ordinal);
        await servers.DeleteServerAsync(new() { Name = "projects/own/servers/twin" }, host.Headers());
    }
}
