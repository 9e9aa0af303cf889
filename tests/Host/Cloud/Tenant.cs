using Google.Protobuf;
using Monolith.Compute.V1;
using Monolith.Dns.V1;
using Monolith.Identity.V1;
using Monolith.Image.V1;
using Monolith.Lb.V1;
using Monolith.Network.V1;

namespace Monolith.Host.Tests.Cloud;

/// <summary>A project with one resource of each kind, all of them called <c>r1</c>.</summary>
internal sealed class Tenant(string id)
{
    public const string PublicKey =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

    public string Id { get; } = id;
    public string Name { get; } = "projects/" + id;

    /// <summary>What projects lean on.</summary>
    public static async Task PrepareCloudAsync(RunningHost host)
    {
        await new FlavorService.FlavorServiceClient(host.Invoker).CreateFlavorAsync(new CreateFlavorRequest
        {
            FlavorId = "small",
            Flavor = new() { Vcpus = 1, MemoryMib = 64, DiskGib = 1 },
        }, host.Headers());
        var pools = new AddressPoolService.AddressPoolServiceClient(host.Invoker);
        foreach (var (pool, prefix, purpose) in new[]
        {
            ("servers", "10.64.0.0/20", AddressPool.Types.Purpose.Server),
            ("vips", "10.96.0.0/24", AddressPool.Types.Purpose.LoadBalancer),
            ("public", "203.0.113.0/24", AddressPool.Types.Purpose.Floating),
        })
            await pools.CreateAddressPoolAsync(new CreateAddressPoolRequest
            {
                AddressPoolId = pool,
                AddressPool = new() { Prefixes = { prefix }, Purpose = purpose },
            }, host.Headers());
    }

    public async Task FillAsync(RunningHost host)
    {
        var (wire, by) = (host.Invoker, host.Headers());
        await new ProjectService.ProjectServiceClient(wire)
            .CreateProjectAsync(new CreateProjectRequest { ProjectId = Id }, by);
        await new NetworkService.NetworkServiceClient(wire).CreateNetworkAsync(new CreateNetworkRequest
        {
            Parent = Name,
            NetworkId = "r1",
            Network = new() { AddressPools = { "addressPools/servers" } },
        }, by);
        await new SecurityGroupService.SecurityGroupServiceClient(wire).CreateSecurityGroupAsync(
            new CreateSecurityGroupRequest { Parent = Name, SecurityGroupId = "r1", SecurityGroup = new() }, by);
        await new PortService.PortServiceClient(wire).CreatePortAsync(new CreatePortRequest
        {
            Parent = Name,
            PortId = "r1",
            Port = new() { Network = Name + "/networks/r1" },
        }, by);
        await new AddressSetService.AddressSetServiceClient(wire).CreateAddressSetAsync(
            new CreateAddressSetRequest { Parent = Name, AddressSetId = "r1", AddressSet = new() }, by);
        await new FloatingAddressService.FloatingAddressServiceClient(wire).CreateFloatingAddressAsync(
            new CreateFloatingAddressRequest { Parent = Name, FloatingAddressId = "r1" }, by);
        await new KeyPairService.KeyPairServiceClient(wire).CreateKeyPairAsync(new CreateKeyPairRequest
        {
            Parent = Name,
            KeyPairId = "r1",
            KeyPair = new() { PublicKey = PublicKey },
        }, by);
        await new ServerGroupService.ServerGroupServiceClient(wire).CreateServerGroupAsync(new CreateServerGroupRequest
        {
            Parent = Name,
            ServerGroupId = "r1",
            ServerGroup = new() { Policy = ServerGroup.Types.Policy.SoftAntiAffinity },
        }, by);
        await new ZoneService.ZoneServiceClient(wire).CreateZoneAsync(
            new CreateZoneRequest { Parent = Name, ZoneId = "r1", Zone = new() { Domain = Id + ".example" } }, by);
        await new RecordSetService.RecordSetServiceClient(wire).CreateRecordSetAsync(new CreateRecordSetRequest
        {
            Parent = Name + "/zones/r1",
            RecordSet = new() { Domain = "r1", Type = "A", Values = { "192.0.2.1" } },
        }, by);
        await new LoadBalancerService.LoadBalancerServiceClient(wire).CreateLoadBalancerAsync(
            new CreateLoadBalancerRequest { Parent = Name, LoadBalancerId = "r1", LoadBalancer = new() }, by);
        await new ServiceAccountService.ServiceAccountServiceClient(wire).CreateServiceAccountAsync(
            new CreateServiceAccountRequest { Parent = Name, ServiceAccountId = "r1" }, by);
        await UploadAsync(host, "r1", new byte[4096]);
        await CreateServerAsync(host, "s1");
    }

    public async Task<Image.V1.Image> UploadAsync(RunningHost host, string image, byte[] content)
    {
        using var call = new ImageService.ImageServiceClient(host.Invoker).UploadImage(host.Headers());
        await call.RequestStream.WriteAsync(new() { Header = new() { Parent = Name, ImageId = image } });
        await call.RequestStream.WriteAsync(new() { Chunk = ByteString.CopyFrom(content) });
        await call.RequestStream.CompleteAsync();
        return await call;
    }

    public async Task<Server> CreateServerAsync(RunningHost host, string server, string network = "r1") =>
        await new ServerService.ServerServiceClient(host.Invoker).CreateServerAsync(new CreateServerRequest
        {
            Parent = Name,
            ServerId = server,
            Server = new()
            {
                Flavor = "flavors/small",
                Image = Name + "/images/r1",
                Networks = { new ServerNetwork { Network = $"{Name}/networks/{network}" } },
                KeyPairs = { Name + "/keyPairs/r1" },
            },
        }, host.Headers());
}
