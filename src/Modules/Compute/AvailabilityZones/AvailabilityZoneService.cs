using Grpc.Core;
using Monolith.Compute.Placement;
using Monolith.Compute.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Lists;

namespace Monolith.Compute.AvailabilityZones;

/// <summary>Where servers can be told to run. Zones have no rows: they are what the hypervisors say.</summary>
internal sealed class AvailabilityZoneService(FleetView fleet) : V1.AvailabilityZoneService.AvailabilityZoneServiceBase
{
    public override async Task<ListAvailabilityZonesResponse> ListAvailabilityZones(ListAvailabilityZonesRequest request,
        ServerCallContext context)
    {
        var page = ListQuery.Of<Hypervisors.HypervisorRow>(request, context.GetCall(), null).Page;
        var zones = (await fleet.ZonesAsync()).Select(z => new AvailabilityZone
        {
            Name = "availabilityZones/" + z.Zone,
            AcceptsServers = z.AcceptsServers,
        }).Where(z => string.CompareOrdinal(z.Name, page.After) > 0).OrderBy(z => z.Name, StringComparer.Ordinal);
        var (found, next) = page.Cut([.. zones.Take(page.Size + 1)], z => z.Name);
        return new ListAvailabilityZonesResponse { AvailabilityZones = { found }, NextPageToken = next };
    }
}
