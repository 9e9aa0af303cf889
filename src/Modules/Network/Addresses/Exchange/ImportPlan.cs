using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Monolith.Network.AddressPools;
using Monolith.Network.Reservations;
using Monolith.Network.V1;
using Monolith.Platform.Faults;

namespace Monolith.Network.Addresses.Exchange;

/// <summary>What is there before an import. Immutable.</summary>
/// <param name="Held">Owners by <see cref="Ip.Key"/>, of the single addresses that the file has.</param>
/// <param name="HeldIn">By line, of ranges: an address that somebody else holds, in words.</param>
internal sealed record BookState(IReadOnlyList<AddressPoolRow> Pools, IReadOnlyList<ReservationRow> Reservations,
    IReadOnlyDictionary<string, string> Held, IReadOnlyDictionary<int, string> HeldIn);

/// <summary>A pool as it is to be. Immutable.</summary>
/// <param name="Row">The one that is there; null: it is to be made.</param>
internal sealed record PoolWish(string Id, AddressPoolRow? Row, BookLine Line, AddressPool.Types.Purpose Purpose,
    IReadOnlyList<string> Prefixes, IReadOnlyList<string> Exclusions)
{
    public List<IpRange> Space => AddressPoolRules.Space(Purpose, Prefixes, Exclusions);
}

/// <summary>A reservation to make. Immutable.</summary>
internal sealed record ReservationWish(int Line, string Pool, string Id, IpRange Range, string Project, string Note);

/// <summary>
/// What an import would do, and everything that is wrong with it. Pure. An import adds: what is there and is not in the
/// file stays, and what is there as the file has it is left alone, so that the same file again changes nothing.
/// </summary>
internal sealed class ImportPlan
{
    /// <summary>So that one import holds up no claim for more than a moment.</summary>
    public const int MaxReservations = 10_000;

    readonly Dictionary<string, List<BookLine>> prefixes = [];
    readonly List<(IpRange Range, BookLine Line)> kept = [];
    readonly List<(IpRange Range, BookLine Line)> excluding = [];
    readonly BookState state;

    ImportPlan(IReadOnlyList<BookLine> lines, BookState state)
    {
        this.state = state;
        var exclusions = new List<(BookLine Line, IpRange Range)>();
        foreach (var line in lines)
        {
            if (line.Kind == BookKind.Prefix) TakePrefix(line);
            else if (!IpRange.TryParse(line.Value, out var range, out var problem)) Wrong(line, $"'{line.Value}' {problem}");
            else if (line.Kind == BookKind.Exclusion) exclusions.Add((line, range));
            else TakeKept(line, range);
        }
        CheckPrefixes();
        Shape(exclusions);
        Keep();
        Problems.Sort((a, b) => a.Line.CompareTo(b.Line));
    }

    public List<BookProblem> Problems { get; } = [];

    /// <summary>Those that are to be made or changed.</summary>
    public List<PoolWish> Pools { get; } = [];

    public List<ReservationWish> Reservations { get; } = [];

    /// <summary>Lines that are so already.</summary>
    public int Unchanged { get; private set; }

    public static ImportPlan Of(IReadOnlyList<BookLine> lines, BookState state) => new(lines, state);

    void Wrong(BookLine line, string message) => Problems.Add(new(line.Line, message));

    void TakePrefix(BookLine line)
    {
        var before = Problems.Count;
        if (!Cidr.TryParse(line.Value, out var cidr, out var problem)) Wrong(line, $"'{line.Value}' {problem}");
        else foreach (var unusable in AddressPoolRules.UnusableIn(cidr)) Wrong(line, unusable);
        if (!Violations.IsId(line.Pool)) Wrong(line, $"names no pool: '{line.Pool}' is no id");
        if (line.Project.Length > 0 && !Violations.IsId(line.Project)) Wrong(line, $"'{line.Project}' is no project's id");
        if (line.Purpose.Length > 0 && PurposeOf(line.Purpose) is null)
            Wrong(line, $"'{line.Purpose}' is no purpose; there are {string.Join(", ", Purposes.Keys)}");
        if (line.Quarantine.Length > 0 && Seconds(line.Quarantine) is null)
            Wrong(line, $"'{line.Quarantine}' is no number of seconds from 0 to {30 * 86_400}");
        if (AnnouncementOf(line.Announcement) is not { } announcement)
            Wrong(line, $"'{line.Announcement}' is no announcement; there are {HostRoutes} and {Aggregate}");
        else if (announcement == AddressPool.Types.Announcement.Aggregate && PurposeOf(line.Purpose) is not (null
            or AddressPool.Types.Purpose.Server or AddressPool.Types.Purpose.Floating))
            Wrong(line, $"'{Aggregate}' is for prefixes of servers and floating ones alone");
        if (Problems.Count > before) return;
        if (!prefixes.TryGetValue(line.Pool, out var of)) prefixes[line.Pool] = of = [];
        of.Add(line);
    }

    const string Aggregate = "aggregate", HostRoutes = "host-routes";

    public static string WordOf(AddressPool.Types.Announcement? announcement) =>
        announcement == AddressPool.Types.Announcement.Aggregate ? Aggregate : HostRoutes;

    /// <summary>Null: it is none.</summary>
    public static AddressPool.Types.Announcement? AnnouncementOf(string word) => word switch
    {
        "" or HostRoutes => AddressPool.Types.Announcement.HostRoutes,
        Aggregate => AddressPool.Types.Announcement.Aggregate,
        _ => null,
    };

    void TakeKept(BookLine line, IpRange range)
    {
        if (line.Project.Length > 0 && !Violations.IsId(line.Project)) Wrong(line, $"'{line.Project}' is no project's id");
        else if (line.Id.Length > 0 && !Violations.IsId(line.Id)) Wrong(line, $"'{line.Id}' is no id");
        else if (!ReservationRules.IsNote(line.Note))
            Wrong(line, $"has a note of more than {ReservationRules.MaxNote} characters, or with control characters");
        else kept.Add((range, line));
    }

    /// <summary>Against each other, against the pools that are there, and that lines of one pool agree.</summary>
    void CheckPrefixes()
    {
        var all = prefixes.SelectMany(p => p.Value.Select(l => (AddressPoolRules.ReadPrefix(l.Value).Range, Pool: p.Key, Line: l, What: "")))
            .Concat(state.Pools.SelectMany(p => p.Cidrs.Select(c =>
                (c.Range, Pool: IdOf(p), Line: (BookLine)null!, What: $"{c} of {p.Name}")))).OrderBy(p => p.Range.First).ToList();
        Sweep(all, p => p.Range, (first, second) =>
        {
            // The very prefix of the very pool: it is there already, or twice in the file.
            if (first.Pool == second.Pool && first.Range == second.Range) return;
            if (first.Line is null && second.Line is null) return;
            var (line, other) = second.Line is null ? (first, second) : (second, first);
            Wrong(line.Line, $"{line.Line.Value} overlaps {(other.Line is null ? other.What : $"{other.Line.Value} in line {other.Line.Line}")}");
        });
        foreach (var (id, lines) in prefixes)
        {
            var row = state.Pools.FirstOrDefault(p => IdOf(p) == id);
            var first = lines[0];
            foreach (var line in lines)
            {
                Agree(line, "purpose", line.Purpose, row is null ? first.Purpose : WordOf(row.Purpose));
                Agree(line, "availability zone", line.Zone, row is null ? first.Zone : row.AvailabilityZone);
                Agree(line, "announcement", line.Announcement, WordOf(row?.Announcement ?? AnnouncementOf(first.Announcement)));
                Agree(line, "project", line.Project, row is null ? first.Project : row.Project);
            }
        }

        void Agree(BookLine line, string what, string said, string is_)
        {
            if (said.Length > 0 && said != is_)
                Wrong(line, $"has the {what} '{said}', and addressPools/{line.Pool} has '{is_}'");
        }
    }

    void Shape(List<(BookLine Line, IpRange Range)> exclusions)
    {
        var wishes = state.Pools.ToDictionary(IdOf, p => (Row: (AddressPoolRow?)p, Line: (BookLine?)null,
            Prefixes: Words.Load(p.Prefixes).ToList(), Exclusions: Words.Load(p.Exclusions).ToList()));
        var changed = new HashSet<string>();
        foreach (var (id, lines) in prefixes)
        {
            if (!wishes.TryGetValue(id, out var wish)) wishes[id] = wish = (null, lines[0], [], []);
            foreach (var line in lines)
                if (wish.Prefixes.Contains(line.Value)) Unchanged++;
                else
                {
                    wish.Prefixes.Add(line.Value);
                    changed.Add(id);
                }
        }
        var spaces = new Places(wishes.SelectMany(w => w.Value.Prefixes.Select(p => (AddressPoolRules.ReadPrefix(p).Range, w.Key))));
        var there = wishes.SelectMany(w => w.Value.Exclusions.Select(e => (w.Key, AddressPoolRules.ReadRange(e)))).ToHashSet();
        foreach (var (line, range) in exclusions)
        {
            if (spaces.Of(range) is not { } id)
            {
                Wrong(line, $"{line.Value} lies not wholly in the prefixes of one pool");
                continue;
            }
            var wish = wishes[id];
            // However it is written.
            if (!there.Add((id, range))) Unchanged++;
            else
            {
                wish.Exclusions.Add(line.Value);
                changed.Add(id);
                excluding.Add((range, line));
                if (state.Held.TryGetValue(range.First.Key, out var holder) && range.First == range.Last)
                    Wrong(line, $"{line.Value} is held by {holder}");
                if (state.HeldIn.TryGetValue(line.Line, out var held)) Wrong(line, held);
            }
        }
        Places = spaces;
        foreach (var id in changed)
        {
            var (row, line, cidrs, excluded) = wishes[id];
            if (cidrs.Count > AddressPoolRules.MaxPrefixes || excluded.Count > AddressPoolRules.MaxExclusions)
                Wrong(prefixes.TryGetValue(id, out var lines) ? lines[0] : exclusions[0].Line,
                    $"addressPools/{id} would have more than {AddressPoolRules.MaxPrefixes} prefixes or {AddressPoolRules.MaxExclusions} exclusions");
            Pools.Add(new(id, row, line ?? new(0, BookKind.Prefix, ""),
                row?.Purpose ?? PurposeOf(line!.Purpose) ?? AddressPool.Types.Purpose.Server, cidrs, excluded));
        }
        foreach (var (id, wish) in wishes)
            Excluded[id] = [.. AddressSpace.Union(AddressPoolRules.Excluded(
                wish.Row?.Purpose ?? PurposeOf(wish.Line!.Purpose) ?? AddressPool.Types.Purpose.Server, wish.Prefixes, wish.Exclusions))];
    }

    Places Places { get; set; } = new([]);

    Dictionary<string, List<IpRange>> Excluded { get; } = [];

    void Keep()
    {
        var there = state.Reservations.ToDictionary(r => r.Range);
        var names = state.Reservations.Select(r => r.Name).ToHashSet();
        var wanted = new List<(IpRange Range, string What, BookLine? Line)>();
        wanted.AddRange(state.Reservations.Select(r => (r.Range, $"{r.Addresses} of {r.Name}", (BookLine?)null)));
        wanted.AddRange(excluding.Select(e => (e.Range, "", (BookLine?)e.Line)));
        foreach (var (range, line) in kept)
        {
            if (Places.Of(range) is not { } pool)
            {
                Wrong(line, $"{line.Value} lies not wholly in the prefixes of one pool");
                continue;
            }
            var single = range.First == range.Last ? state.Held.GetValueOrDefault(range.First.Key) : null;
            if (line.Kind == BookKind.Address && single == line.Note && single is not null)
            {
                Unchanged++;
                continue;
            }
            if (there.TryGetValue(range, out var same))
            {
                if (same.Project == line.Project && same.Note == line.Note) Unchanged++;
                else Wrong(line, $"{line.Value} is reserved already, for {same.For}: delete {same.Name} first");
                continue;
            }
            var before = Problems.Count;
            if (single is not null && (line.Project.Length == 0
                || Platform.Names.ResourceName.ProjectOf(single) != line.Project)) Wrong(line, $"{line.Value} is held by {single}");
            if (state.HeldIn.TryGetValue(line.Line, out var held)) Wrong(line, held);
            if (Excluded[pool].Find(e => e.Overlaps(range)) is { First.Family: not 0 } excluded)
                Wrong(line, $"{line.Value} overlaps {excluded}, which addressPools/{pool} excludes");
            var id = line.Id.Length > 0 ? line.Id : IdFor(range);
            if (!names.Add($"addressPools/{pool}/reservations/{id}"))
                Wrong(line, $"addressPools/{pool}/reservations/{id} is there already, with other addresses");
            if (Problems.Count > before) continue;
            wanted.Add((range, "", line));
            Reservations.Add(new(line.Line, pool, id, range, line.Project, line.Note));
        }
        wanted.Sort((a, b) => a.Range.First.CompareTo(b.Range.First));
        Sweep(wanted, w => w.Range, (first, second) =>
        {
            if (first.Line is null && second.Line is null) return;
            var (line, other) = second.Line is null ? (first.Line!, second) : (second.Line, first);
            // Exclusions may overlap, and of a reservation over one it was said.
            if (other.Line is not null && (line.Kind == BookKind.Exclusion || other.Line.Kind == BookKind.Exclusion)) return;
            Wrong(line, $"{line.Value} overlaps {(other.Line is null ? other.What : $"{other.Line.Value} in line {other.Line.Line}")}");
        });
        if (Reservations.Count > MaxReservations)
            Problems.Add(new(Reservations[MaxReservations].Line,
                $"is beyond the {MaxReservations} new reservations that are made at once; import the rest in another file"));
    }

    /// <summary>Tells of each that overlaps one before it, in the order of their beginnings.</summary>
    static void Sweep<T>(List<T> ordered, Func<T, IpRange> range, Action<T, T> overlap)
    {
        for (var (at, reach) = (1, 0); at < ordered.Count; at++)
        {
            if (range(ordered[reach]).Overlaps(range(ordered[at]))) overlap(ordered[reach], ordered[at]);
            if (range(ordered[at]).Last > range(ordered[reach]).Last) reach = at;
        }
    }

    static readonly Dictionary<string, AddressPool.Types.Purpose> Purposes =
        Enum.GetValues<AddressPool.Types.Purpose>().Where(p => p != AddressPool.Types.Purpose.Unspecified)
            .ToDictionary(WordOf, p => p);

    public static string WordOf(AddressPool.Types.Purpose purpose) =>
        purpose == AddressPool.Types.Purpose.LoadBalancer ? "load-balancer" : purpose.ToString().ToLowerInvariant();

    static AddressPool.Types.Purpose? PurposeOf(string word) =>
        Purposes.TryGetValue(word, out var purpose) ? purpose : null;

    /// <summary>Null: the host's; and of what is no number.</summary>
    public static int? Seconds(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds <= 30 * 86_400
            ? seconds
            : null;

    static string IdOf(AddressPoolRow pool) => Platform.Names.ResourceName.LastId(pool.Name);

    /// <summary>The same for the same addresses.</summary>
    static string IdFor(IpRange range) => range.First == range.Last
        ? "r-" + range.First.Key
        : $"r-{range.First.Key}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(range.Last.Key)))[..12]}";
}

/// <summary>Which pool a range lies in, by search. Immutable.</summary>
internal sealed class Places(IEnumerable<(IpRange Range, string Pool)> prefixes)
{
    readonly List<(IpRange Range, string Pool)> ordered = Joined(prefixes);

    /// <summary>The pool that has all of it; null when none has.</summary>
    public string? Of(IpRange range)
    {
        var (low, high) = (0, ordered.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (ordered[middle].Range.First <= range.First) low = middle + 1;
            else high = middle;
        }
        return low > 0 && ordered[low - 1].Range.Holds(range) ? ordered[low - 1].Pool : null;
    }

    static List<(IpRange, string)> Joined(IEnumerable<(IpRange Range, string Pool)> prefixes) =>
        [.. prefixes.GroupBy(p => p.Pool).SelectMany(g => AddressSpace.Union(g.Select(p => p.Range)).Select(r => (r, g.Key)))
            .OrderBy(p => p.r.First)];
}
