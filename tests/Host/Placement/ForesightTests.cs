using Grpc.Core;
using Monolith.Api.V1;
using Monolith.Compute.V1;
using Monolith.Host.Tests.Cloud;

namespace Monolith.Host.Tests.Placement;

/// <summary>A create that is only validated answers with what it would lead to, and leads to nothing.</summary>
public sealed class ForesightTests(RunningHost host)
{
    readonly ServerService.ServerServiceClient servers = new(host.Invoker);

    Task<Server> ForeseeAsync(string flavor, string token, string zone = "") => servers.CreateServerAsync(
        new CreateServerRequest
        {
            Parent = "projects/own",
            ServerId = "foreseen",
            Server = new()
            {
                Flavor = flavor,
                Image = "projects/own/images/r1",
                AvailabilityZone = zone,
                Networks = { new ServerNetwork { Network = "projects/own/networks/r1" } },
            },
            ValidateOnly = true,
        }, host.Headers(token)).ResponseAsync;

    static Condition Placed(Server server) => Assert.Single(server.Conditions, c => c.Type == "Placed");

    async Task AssertNothingIsThereAsync() => Assert.Equal(StatusCode.NotFound,
        (await Assert.ThrowsAsync<RpcException>(() => servers.GetServerAsync(
            new GetServerRequest { Name = "projects/own/servers/foreseen" }, host.Headers()).ResponseAsync)).StatusCode);

    [Fact]
    public async Task WhatFits_IsToldWhere_IfItMayKnow()
    {
        var operators = await ForeseeAsync("flavors/small", host.Token);
        Assert.Equal(Condition.Types.Status.True, Placed(operators).Status);
        Assert.StartsWith("hypervisors/", operators.Hypervisor, StringComparison.Ordinal);
        // The same question, the same answer.
        Assert.Equal(operators.Hypervisor, (await ForeseeAsync("flavors/small", host.Token)).Hypervisor);
        var tenants = await ForeseeAsync("flavors/small", host.OwnersToken);
        Assert.Equal(Condition.Types.Status.True, Placed(tenants).Status);
        Assert.DoesNotContain("hypervisors/", tenants.ToString(), StringComparison.Ordinal);
        await AssertNothingIsThereAsync();
    }

    [Fact]
    public async Task WhatDoesNotFit_IsToldWhy_AndWhatWouldHelp()
    {
        await new FlavorService.FlavorServiceClient(host.Invoker).CreateFlavorAsync(new CreateFlavorRequest
        {
            FlavorId = "colossal",
            Flavor = new() { Vcpus = 256, MemoryMib = 4_194_304, DiskGib = 65_536 },
        }, host.Headers());
        var placed = Placed(await ForeseeAsync("flavors/colossal", host.OwnersToken));
        Assert.Equal((Condition.Types.Status.Pending, "NO_VALID_HYPERVISOR"), (placed.Status, placed.Reason));
        Assert.Matches("^None of [0-9]+ hypervisors can take it: .+ It would fit with flavors/[a-z0-9-]+\\.$", placed.Message);

        placed = Placed(await ForeseeAsync("flavors/small", host.OwnersToken, zone: "nowhere"));
        Assert.Matches("It would fit (in availability zone [^ ]+|without an availability zone)\\.$", placed.Message);
        await AssertNothingIsThereAsync();
    }
}
