using Grpc.Core;
using Monolith.Compute.V1;

namespace Monolith.Cli.Tests.Fake;

/// <summary>Two availability zones, one of which is full.</summary>
internal sealed class Zones : AvailabilityZoneService.AvailabilityZoneServiceBase
{
    public override Task<ListAvailabilityZonesResponse> ListAvailabilityZones(ListAvailabilityZonesRequest request,
        ServerCallContext context) => Task.FromResult(new ListAvailabilityZonesResponse
        {
            AvailabilityZones =
        {
            new AvailabilityZone { Name = "availabilityZones/az1", AcceptsServers = true },
            new AvailabilityZone { Name = "availabilityZones/az2" },
        },
        });
}
