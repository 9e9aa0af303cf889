using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Network.Addresses.Exchange;
using Monolith.Network.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;

namespace Monolith.Network.Addresses;

/// <summary>
/// Who holds and held what. A hold is written with the act: it is the held address itself until that is released, and
/// the release turns it into a line of the past, in one transaction.
/// </summary>
internal sealed class AddressService(Store<NetworkDb> store, AddressExchange exchange)
    : V1.AddressService.AddressServiceBase
{
    // Of what a Timestamp may hold.
    const long FirstSecond = -62_135_596_800;
    const long LastSecond = 253_402_300_799;

    public override async Task<ListAddressHoldsResponse> ListAddressHolds(ListAddressHoldsRequest request,
        ServerCallContext context)
    {
        var violations = new Violations();
        violations.Require(request.Address.Length > 0 != request.Owner.Length > 0, "address",
            "either an address or an owner is required");
        var ip = default(Ip);
        if (request.Address.Length > 0)
            violations.Require(Ip.TryParse(request.Address, out ip), "address", "must be an IPv4 or IPv6 address");
        if (request.Owner.Length > 0)
            violations.Require(ResourceName.ProjectOf(request.Owner) is not null, "owner",
                "must be the name of a resource in a project, or projects/*");
        violations.Require(request.At is null or { Seconds: >= FirstSecond and <= LastSecond, Nanos: >= 0 and < 1_000_000_000 },
            "at", "must be a time of the years 1 to 9999");
        var page = Page.Of(request.PageSize, request.PageToken, isNumbered: true, violations,
            [request.Address, request.Owner, request.At?.Seconds.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? ""]);
        violations.ThrowIfAny();
        var at = request.At?.ToDateTime();
        var (held, past) = await store.ReadAsync(async db =>
        {
            var (held, past) = request.Address.Length > 0 ? OfAddress(db, ip.Key) : OfOwner(db, request.Owner);
            if (at is { } moment)
                (held, past) = (held.Where(a => a.From <= moment), past.Where(a => a.From <= moment && a.Until > moment));
            var before = page.AfterNumber();
            if (before > 0) past = past.Where(a => a.Id < before);
            return (before > 0 ? [] : await held.OrderByDescending(a => a.From).ThenBy(a => a.Address).ToListAsync(),
                await past.OrderByDescending(a => a.Id).Take(page.Size + 1).ToListAsync());
        });
        var (rows, next) = page.Cut(past, a => a.Id.ToString(System.Globalization.CultureInfo.InvariantCulture));
        return new ListAddressHoldsResponse
        {
            AddressHolds =
            {
                held.Select(a => Hold(a.Address, a.Owner, a.HolderUid, a.From, null)),
                rows.Select(a => Hold(a.Address, a.Owner, a.HolderUid, a.From, a.Until)),
            },
            NextPageToken = next,
        };
    }

    public override Task ExportAddresses(ExportAddressesRequest request,
        IServerStreamWriter<ExportAddressesResponse> responseStream, ServerCallContext context) =>
        exchange.ExportAsync(request, responseStream, context.CancellationToken);

    public override Task<ImportAddressesResponse> ImportAddresses(IAsyncStreamReader<ImportAddressesRequest> requestStream,
        ServerCallContext context) => exchange.ImportAsync(requestStream, context.GetCall(), context.CancellationToken);

    static (IQueryable<AddressRow>, IQueryable<PastAddressRow>) OfAddress(NetworkDb db, string key) =>
        (db.Addresses.AsNoTracking().Where(a => a.Address == key),
            db.PastAddresses.AsNoTracking().Where(a => a.Address == key));

    static (IQueryable<AddressRow>, IQueryable<PastAddressRow>) OfOwner(NetworkDb db, string owner)
    {
        var project = ResourceName.ProjectOf(owner);
        var held = db.Addresses.AsNoTracking().Where(a => a.Project == project);
        var past = db.PastAddresses.AsNoTracking();
        if (owner != "projects/" + project)
            return (held.Where(a => a.Owner == owner), past.Where(a => a.Owner == owner));
        // From the slash to the character after it: all that begin so, in the order of an index.
        var (first, end) = (owner + "/", owner + "0");
        return (held, past.Where(a => string.Compare(a.Owner, first) > 0 && string.Compare(a.Owner, end) < 0));
    }

    static AddressHold Hold(string key, string owner, Guid holder, DateTime from, DateTime? until) => new()
    {
        Address = Ip.OfKey(key).ToString(),
        Owner = owner,
        HolderUid = holder.ToString(),
        StartTime = from.ToTimestamp(),
        EndTime = until?.ToTimestamp(),
    };
}
