using System.Text;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Monolith.Network.V1;
using Outlook = Monolith.Network.V1.AddressPool.Types.Forecast.Types.Outlook;

namespace Monolith.Cli.Tests.Fake;

/// <summary>Two pools, one of which fills up.</summary>
internal sealed class Pools : AddressPoolService.AddressPoolServiceBase
{
    public override Task<ListAddressPoolsResponse> ListAddressPools(ListAddressPoolsRequest request, ServerCallContext context) =>
        Task.FromResult(new ListAddressPoolsResponse
        {
            AddressPools =
            {
                new AddressPool
                {
                    Name = "addressPools/az1", Purpose = AddressPool.Types.Purpose.Server, AvailabilityZone = "az1",
                    Owner = "projects/demo", Prefixes = { "10.64.0.0/24" }, AddressCount = 256, UsedCount = 100,
                    ReservedCount = 3, QuarantinedCount = 2, FreeCount = 151,
                    Forecast = new()
                    {
                        Outlook = Outlook.Growing, NetPerDay = 5,
                        FullTime = Timestamp.FromDateTime(DateTime.UtcNow.AddDays(30.5)),
                    },
                },
                new AddressPool
                {
                    Name = "addressPools/vips", Purpose = AddressPool.Types.Purpose.LoadBalancer, Prefixes = { "10.96.0.0/30" },
                    AddressCount = 4, FreeCount = 4, Forecast = new() { Outlook = Outlook.NotEnoughHistory },
                },
            },
        });
}

/// <summary>An address book that was asked, and what it was given.</summary>
internal sealed class Book : AddressService.AddressServiceBase
{
    public List<IMessage> Requests { get; } = [];

    public StringBuilder Imported { get; } = new();

    /// <summary>Of every import.</summary>
    public ImportAddressesResponse Answer { get; set; } = new() { CreatedPools = 1, CreatedReservations = 2 };

    public override Task<ListAddressHoldsResponse> ListAddressHolds(ListAddressHoldsRequest request, ServerCallContext context)
    {
        Requests.Add(request);
        var first = request.PageToken.Length == 0;
        return Task.FromResult(new ListAddressHoldsResponse
        {
            AddressHolds =
            {
                new AddressHold
                {
                    Address = "10.64.0.7", Owner = "projects/demo/servers/" + (first ? "new" : "old"),
                    StartTime = new DateTime(2026, 1, first ? 2 : 1, 0, 0, 0, DateTimeKind.Utc).ToTimestamp(),
                    EndTime = first ? null : new DateTime(2026, 1, 1, 12, 0, 0, DateTimeKind.Utc).ToTimestamp(),
                },
            },
            NextPageToken = first ? "more" : "",
        });
    }

    public override async Task ExportAddresses(ExportAddressesRequest request,
        IServerStreamWriter<ExportAddressesResponse> responseStream, ServerCallContext context)
    {
        Requests.Add(request);
        // A letter is cut in two.
        var file = Encoding.UTF8.GetBytes("kind,value,note\nreservation,10.64.0.5,Büro\n");
        foreach (var chunk in file.Chunk(37))
            await responseStream.WriteAsync(new ExportAddressesResponse { Chunk = ByteString.CopyFrom(chunk) });
    }

    public override async Task<ImportAddressesResponse> ImportAddresses(
        IAsyncStreamReader<ImportAddressesRequest> requestStream, ServerCallContext context)
    {
        await foreach (var part in requestStream.ReadAllAsync())
            if (part.Header is not null) Requests.Add(part.Header);
            else Imported.Append(part.Chunk.ToStringUtf8());
        return Answer;
    }
}
