using Google.Protobuf.WellKnownTypes;
using Monolith.Agent.V1;

namespace Monolith.Agent.Network.Invariants;

/// <summary>A breach over time.</summary>
/// <param name="Since">When it was first seen.</param>
/// <param name="LastSeen">When it was seen the last time.</param>
/// <param name="Mended">When it was first not seen any more; null while it is.</param>
internal sealed record BreachEntry(Breach Breach, DateTimeOffset Since, DateTimeOffset LastSeen, DateTimeOffset? Mended);

/// <summary>
/// The breaches of a machine, looked at again and again. One that is mended is kept for a while, so that a short one is told
/// even when the host was away meanwhile. Immutable.
/// </summary>
/// <param name="Entries">Open ones and mended ones; one for each code and subject.</param>
/// <param name="Waiting">Seen, and not yet for as long as it takes to be one.</param>
internal sealed record BreachLedger(IReadOnlyList<BreachEntry> Entries, IReadOnlyList<BreachEntry> Waiting)
{
    public static readonly TimeSpan Kept = TimeSpan.FromHours(1);

    /// <summary>For what passes: what a route needs from the kernel to its neighbours' neighbours. At the third look, that is.</summary>
    public static readonly TimeSpan Settling = TimeSpan.FromSeconds(1.5);

    public const int MostEntries = 256, MostMessage = 512, MostSubject = 64;

    public static BreachLedger None { get; } = new([], []);

    public BreachLedger Look(IReadOnlyCollection<Breach> found, DateTimeOffset now)
    {
        var known = Entries.ToDictionary(KeyOf);
        var waits = Waiting.ToDictionary(KeyOf);
        List<BreachEntry> open = [], waiting = [];
        foreach (var breach in found)
        {
            var key = (breach.Code, breach.Subject);
            if (known.Remove(key, out var before) && before.Mended is null)
            {
                open.Add(before with { Breach = breach, LastSeen = now });
                continue;
            }

            var entry = new BreachEntry(breach, waits.TryGetValue(key, out var first) ? first.Since : now, now, null);
            var isOne = !breach.IsPassing || now - entry.Since >= Settling;
            (isOne ? open : waiting).Add(entry);
            // What it was before is still to be told.
            if (!isOne && before is not null) known[key] = before;
        }

        var past = known.Values.Select(e => e.Mended is null ? e with { Mended = now } : e).Where(e => e.Mended > now - Kept);
        return new BreachLedger(
            [
                .. open.Concat(past.OrderByDescending(e => e.Mended)).Take(MostEntries)
                    .OrderBy(e => e.Breach.Code, StringComparer.Ordinal).ThenBy(e => e.Breach.Subject, StringComparer.Ordinal),
            ],
            waiting);
    }

    private static (string, string) KeyOf(BreachEntry entry) => (entry.Breach.Code, entry.Breach.Subject);

    public IEnumerable<BreachReport> ToProto() => Entries.Select(e => new BreachReport
    {
        Invariant = e.Breach.Invariant switch
        {
            Invariant.NoSharedL2 => BreachReport.Types.Invariant.NoSharedL2,
            Invariant.TwoNextHops => BreachReport.Types.Invariant.TwoNextHops,
            Invariant.NoSpoofablePath => BreachReport.Types.Invariant.NoSpoofablePath,
            _ => BreachReport.Types.Invariant.OneOwner,
        },
        Code = e.Breach.Code,
        Subject = Cut(e.Breach.Subject, MostSubject),
        Message = Cut(e.Breach.Message, MostMessage),
        PortId = e.Breach.Port,
        Since = Timestamp.FromDateTimeOffset(e.Since),
        // Of one that is open it would be news every second.
        LastSeen = e.Mended is null ? null : Timestamp.FromDateTimeOffset(e.LastSeen),
        Mended = e.Mended is { } mended ? Timestamp.FromDateTimeOffset(mended) : null,
    });

    private static string Cut(string text, int most) => text.Length <= most ? text : text[..(most - 1)] + '…';
}
