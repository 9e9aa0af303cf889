using Google.Protobuf;
using Grpc.Core;
using Monolith.Compute.V1;
using Monolith.Identity.V1;
using Monolith.Image.V1;
using Monolith.Network.V1;
using Monolith.Simulation.Tests.Wire;

namespace Monolith.Simulation.Tests.Load;

/// <summary>What servers need to be there.</summary>
internal static class Tenants
{
    public static async Task PrepareAsync(WireInvoker invoker, IEnumerable<string> projects)
    {
        await new FlavorService.FlavorServiceClient(invoker).CreateFlavorAsync(new CreateFlavorRequest
        {
            FlavorId = "small",
            Flavor = new() { Vcpus = 1, MemoryMib = 512, DiskGib = 1 },
        });
        await new FlavorService.FlavorServiceClient(invoker).CreateFlavorAsync(new CreateFlavorRequest
        {
            FlavorId = "large",
            Flavor = new() { Vcpus = 2, MemoryMib = 1024, DiskGib = 2 },
        });
        // Few, so that addresses come back soon and may run out.
        var pools = new AddressPoolService.AddressPoolServiceClient(invoker);
        await pools.CreateAddressPoolAsync(new CreateAddressPoolRequest
        {
            AddressPoolId = "servers",
            AddressPool = new() { Prefixes = { "10.64.0.0/28" }, Purpose = AddressPool.Types.Purpose.Server },
        });
        foreach (var project in projects)
        {
            await new ProjectService.ProjectServiceClient(invoker)
                .CreateProjectAsync(new CreateProjectRequest { ProjectId = project });
            await new NetworkService.NetworkServiceClient(invoker).CreateNetworkAsync(new CreateNetworkRequest
            {
                Parent = "projects/" + project,
                NetworkId = "default",
                Network = new() { AddressPools = { "addressPools/servers" } },
            });
            await UploadAsync(invoker, project);
        }
    }

    static async Task UploadAsync(CallInvoker invoker, string project)
    {
        using var upload = new ImageService.ImageServiceClient(invoker).UploadImage();
        await upload.RequestStream.WriteAsync(new UploadImageRequest
        {
            Header = new() { Parent = "projects/" + project, ImageId = "blank" },
        });
        await upload.RequestStream.WriteAsync(new UploadImageRequest { Chunk = ByteString.CopyFrom(new byte[65536]) });
        await upload.RequestStream.CompleteAsync();
        await upload.ResponseAsync;
    }
}
