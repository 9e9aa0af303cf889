using Monolith.Compute.V1;
using Monolith.Host.Tests.Cloud;
using Monolith.Network.V1;

namespace Monolith.Host.Tests.Access;

/// <summary>A call that is repeated under its request id (AIP-155) is answered as it was, whatever happened since.</summary>
public sealed class RepeatTests(RunningHost host)
{
    /// <summary>Its own port holds the address by then, and what it was made of is gone.</summary>
    [Fact]
    public async Task ACreatedServer_IsTheAnswerToARepeat_ThoughItsAddressIsTakenAndItsKeyGone()
    {
        var (own, by) = (host.Own.Name, host.Headers());
        var servers = new ServerService.ServerServiceClient(host.Invoker);
        var keys = new KeyPairService.KeyPairServiceClient(host.Invoker);
        var key = await keys.CreateKeyPairAsync(new()
        {
            Parent = own,
            KeyPairId = "repeated",
            KeyPair = new() { PublicKey = Tenant.PublicKey },
        }, by);
        var request = new CreateServerRequest
        {
            Parent = own,
            ServerId = "repeated",
            RequestId = Guid.NewGuid().ToString(),
            Server = new()
            {
                Flavor = "flavors/small",
                Image = own + "/images/r1",
                KeyPairs = { key.Name },
                Networks = { new ServerNetwork { Network = own + "/networks/r1", Address = "10.64.9.9" } },
            },
        };
        var made = await servers.CreateServerAsync(request, by);
        using (var ports = new PortService.PortServiceClient(host.Invoker).WatchPorts(new() { Parent = own }, by,
            DateTime.UtcNow.AddMinutes(2)))
            while (await ports.ResponseStream.MoveNext(default)
                && ports.ResponseStream.Current.Port?.Addresses.Contains("10.64.9.9") is not true)
            {
            }
        await keys.DeleteKeyPairAsync(new() { Name = key.Name }, by);
        Assert.Equal(made, await servers.CreateServerAsync(request, by));
        await servers.DeleteServerAsync(new() { Name = made.Name }, by);
    }
}
