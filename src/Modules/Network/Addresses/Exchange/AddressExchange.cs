using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Network.AddressPools;
using Monolith.Network.Ports;
using Monolith.Network.Reservations;
using Monolith.Network.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;

namespace Monolith.Network.Addresses.Exchange;

/// <summary>The address book out of the cloud, in pages, and into it, as one change or none.</summary>
internal sealed class AddressExchange(Store<NetworkDb> store, PortNodes nodes)
{
    const int MaxBytes = 32 << 20;
    const int PageSize = 1_000;
    const int AskedAtOnce = 500;

    public async Task ExportAsync(ExportAddressesRequest request, IServerStreamWriter<ExportAddressesResponse> stream,
        CancellationToken cancel)
    {
        if (request.AddressPool.Length > 0) ResourceName.Parse("addressPools/*", request.AddressPool, "address_pool");
        if (!Enum.IsDefined(request.Format)) throw Fault.Invalid("format", "is not a known format");
        var pools = await store.ReadAsync(db => db.AddressPools
            .Where(p => request.AddressPool == "" || p.Name == request.AddressPool).OrderBy(p => p.Name).ToListAsync(cancel));
        if (pools.Count == 0 && request.AddressPool.Length > 0) throw Fault.NotFound(request.AddressPool);
        if (request.Format == AddressFormat.Netbox) await NetboxAsync(pools, SendAsync, cancel);
        else
        {
            await SendAsync(CsvBook.Heading);
            await foreach (var page in PagesAsync(pools, cancel))
                await SendAsync(string.Concat(page.Select(CsvBook.Write)));
        }

        Task SendAsync(string text) => text.Length == 0
            ? Task.CompletedTask
            : stream.WriteAsync(new ExportAddressesResponse { Chunk = ByteString.CopyFromUtf8(text) }, cancel);
    }

    async Task NetboxAsync(List<AddressPoolRow> pools, Func<string, Task> send, CancellationToken cancel)
    {
        var opening = "{\n";
        foreach (var section in new[] { NetboxBook.Prefixes, NetboxBook.Ranges, NetboxBook.Addresses })
        {
            await send($"{opening}\"{section}\": [");
            var separator = "\n";
            await foreach (var page in PagesAsync(pools, cancel, section))
                foreach (var chunk in page.Where(line => NetboxBook.SectionOf(line) == section).Chunk(PageSize))
                {
                    await send(separator + string.Join(",\n", chunk.Select(NetboxBook.Write)));
                    separator = ",\n";
                }
            await send("\n]");
            opening = ",\n";
        }
        await send("\n}\n");
    }

    /// <summary>What each pool is made of, what is kept of it, and what is held. Pages are of different moments.</summary>
    /// <param name="section">Of NetBox, where nothing else is wanted.</param>
    async IAsyncEnumerable<IReadOnlyList<BookLine>> PagesAsync(List<AddressPoolRow> pools,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel, string section = "")
    {
        foreach (var pool in pools)
        {
            var id = ResourceName.LastId(pool.Name);
            yield return
            [
                .. Words.Load(pool.Prefixes).Select(p => new BookLine(0, BookKind.Prefix, p)
                {
                    Pool = id,
                    Purpose = ImportPlan.WordOf(pool.Purpose),
                    Zone = pool.AvailabilityZone,
                    Project = pool.Project,
                    Quarantine = pool.QuarantineSeconds?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "",
                    Announcement = ImportPlan.WordOf(pool.Announcement),
                    Note = pool.DisplayName,
                }),
                .. Words.Load(pool.Exclusions).Select(e => new BookLine(0, BookKind.Exclusion, e) { Pool = id }),
            ];
            if (section == NetboxBook.Prefixes) continue;
            var after = "";
            for (var more = true; more;)
            {
                var page = await store.ReadAsync(db => db.Reservations.Where(r => r.PoolUid == pool.Uid
                    && string.Compare(r.Last, after) > 0).OrderBy(r => r.Last).Take(PageSize).ToListAsync(cancel));
                yield return [.. page.Select(r => new BookLine(0, BookKind.Reservation, r.Range.ToString())
                {
                    Pool = id, Project = r.Project, Id = ResourceName.LastId(r.Name), Note = r.Note,
                })];
                more = page.Count == PageSize;
                if (more) after = page[^1].Last;
            }
            if (section == NetboxBook.Ranges) continue;
            foreach (var range in AddressSpace.Union(pool.Cidrs.Select(c => c.Range)))
            {
                var (next, last) = (range.First.Key, range.Last.Key);
                for (var more = true; more;)
                {
                    var page = await store.ReadAsync(db => db.Addresses.AsNoTracking()
                        .Where(a => string.Compare(a.Address, next) >= 0 && string.Compare(a.Address, last) <= 0)
                        .OrderBy(a => a.Address).Take(PageSize).ToListAsync(cancel));
                    yield return [.. page.Select(a => new BookLine(0, BookKind.Address, Ip.OfKey(a.Address).ToString())
                    {
                        Pool = id, Project = a.Project, Note = a.Owner,
                    })];
                    more = page.Count == PageSize && page[^1].Address != last;
                    if (more) next = Ip.OfKey(page[^1].Address).Next.Key;
                }
            }
        }
    }

    public async Task<ImportAddressesResponse> ImportAsync(IAsyncStreamReader<ImportAddressesRequest> requests, Call call,
        CancellationToken cancel)
    {
        if (!await requests.MoveNext(cancel) || requests.Current.Header is not { } header)
            throw Fault.Invalid("header", "must be the first message of the stream");
        var violations = new Violations();
        violations.RequestId("header.request_id", header.RequestId);
        violations.Require(Enum.IsDefined(header.Format), "header.format", "is not a known format");
        violations.ThrowIfAny();
        using var content = new MemoryStream();
        while (await requests.MoveNext(cancel))
        {
            if (requests.Current.PartCase != ImportAddressesRequest.PartOneofCase.Chunk)
                throw Fault.Invalid("part", "must be a chunk after the header");
            requests.Current.Chunk.WriteTo(content);
            if (content.Length > MaxBytes) throw Fault.Invalid("chunk", $"is more than {MaxBytes >> 20} MiB together");
        }
        var file = header.Format == AddressFormat.Netbox
            ? NetboxBook.Read(content.ToArray())
            : CsvBook.Read(Encoding.UTF8.GetString(content.GetBuffer(), 0, (int)content.Length));
        // A file with mistakes of form is looked at as well as it can be, and does not come to the writer.
        if (file.Problems.Count > 0)
            return Refusal([.. file.Problems, .. (await store.ReadAsync(db => PlanAsync(db, file.Lines))).Problems]);
        var wakes = new Wakes();
        var answer = await store.MutateAsync(call, header, async unit =>
        {
            wakes.Clear();
            var plan = await PlanAsync(unit.Db, file.Lines);
            return plan.Problems.Count > 0 ? Refusal(plan.Problems) : await ImportActs.DoAsync(unit, plan, wakes);
        }, cancel);
        nodes.Wake(wakes);
        return answer;
    }

    static ImportAddressesResponse Refusal(IEnumerable<BookProblem> problems)
    {
        var response = new ImportAddressesResponse();
        // Of a file that is wrong throughout the first thousands will do: an answer has an end.
        foreach (var problem in problems.OrderBy(p => p.Line).Take(10_000))
            response.Problems.Add(new ImportAddressesResponse.Types.Problem { Line = problem.Line, Message = problem.Message });
        return response;
    }

    static async Task<ImportPlan> PlanAsync(NetworkDb db, List<BookLine> lines)
    {
        var ranges = lines.Where(l => l.Kind != BookKind.Prefix)
            .Select(l => (Line: l, Fine: IpRange.TryParse(l.Value, out var range, out _), Range: range)).Where(l => l.Fine).ToList();
        var held = new Dictionary<string, string>();
        foreach (var keys in ranges.Where(r => r.Range.First == r.Range.Last).Select(r => r.Range.First.Key).Chunk(AskedAtOnce))
            foreach (var one in await db.Addresses.AsNoTracking().Where(a => keys.Contains(a.Address))
                .Select(a => new { a.Address, a.Owner }).ToListAsync()) held[one.Address] = one.Owner;
        var heldIn = new Dictionary<int, string>();
        foreach (var (line, _, range) in ranges.Where(r => r.Range.First != r.Range.Last))
        {
            var (first, last, project) = (range.First.Key, range.Last.Key, line.Kind == BookKind.Exclusion ? "" : line.Project);
            if (await db.Addresses.AsNoTracking().Where(a => string.Compare(a.Address, first) >= 0
                    && string.Compare(a.Address, last) <= 0 && (project == "" || a.Project != project))
                .OrderBy(a => a.Address).FirstOrDefaultAsync() is { } other)
                heldIn[line.Line] = $"{Ip.OfKey(other.Address)} of it is held by {other.Owner}";
        }
        return ImportPlan.Of(lines, new BookState(await db.AddressPools.AsNoTracking().OrderBy(p => p.Name).ToListAsync(),
            await db.Reservations.AsNoTracking().ToListAsync(), held, heldIn));
    }
}
