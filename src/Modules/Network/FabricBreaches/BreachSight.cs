using System.Net;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Monolith.Agent.V1;
using Monolith.Network.Fabric;
using Monolith.Network.V1;
using Monolith.Platform.Faults;

namespace Monolith.Network.FabricBreaches;

/// <summary>A breach as a node reports it, within what a node can mean: times are past, words are short. Immutable.</summary>
/// <param name="Since">Times are whole milliseconds, which every database keeps.</param>
/// <param name="Mended">Null while it is open.</param>
internal sealed record BreachSight(FabricBreach.Types.Invariant Invariant, string Code, string Subject, string Message, Guid? Port,
    DateTime Since, DateTime? LastSeen, DateTime? Mended)
{
    /// <summary>What only the host can see: another hypervisor says that an address is its own.</summary>
    public const string OtherHypervisor = "OTHER_HYPERVISOR";

    const int MostBreaches = 256, MostWords = 64, MostMessage = 512, MostAddresses = 65_536;

    /// <exception cref="Fault">INVALID_ARGUMENT with every violation.</exception>
    public static IReadOnlyList<BreachSight> Read(ReportBreachesRequest report, DateTime now)
    {
        var violations = new Violations();
        violations.Require(report.Breaches.Count <= MostBreaches, "breaches", $"must be at most {MostBreaches}");
        violations.Require(report.Breaches.DistinctBy(b => (b.Code, b.Subject)).Count() == report.Breaches.Count, "breaches",
            "must each have a code and a subject of their own");
        violations.Require(report.Ipv4Addresses.Length % 4 == 0, "ipv4_addresses", "must have 4 bytes each");
        violations.Require(report.Ipv6Addresses.Length % 16 == 0, "ipv6_addresses", "must have 16 bytes each");
        violations.Require(report.Ipv4Addresses.Length / 4 + report.Ipv6Addresses.Length / 16 <= MostAddresses, "ipv4_addresses",
            $"must be at most {MostAddresses}, of both families");
        for (var i = 0; i < Math.Min(report.Breaches.Count, MostBreaches); i++)
        {
            var (field, breach) = ($"breaches[{i}]", report.Breaches[i]);
            violations.Require(IsCode(breach.Code) && breach.Code != OtherHypervisor, field + ".code",
                $"must have 1 to {MostWords} capitals, digits and underscores, and not be {OtherHypervisor}");
            violations.Require(breach.Subject.Length is > 0 and <= MostWords
                && !breach.Subject.Any(c => char.IsControl(c) || char.IsWhiteSpace(c) || c == '/'),
                field + ".subject", $"must have 1 to {MostWords} characters, no slash, no space and no control character");
            violations.Require(breach.Message.Length <= MostMessage, field + ".message", $"must have at most {MostMessage} characters");
        }
        violations.ThrowIfAny();
        return [.. report.Breaches.Select(b => Of(b, now)).Where(b => b.Mended is null || b.Mended > now - FabricBreachRow.Kept)];
    }

    /// <summary>Of a report that was read.</summary>
    public static IEnumerable<IPAddress> Addresses(ReportBreachesRequest report) =>
        Split(report.Ipv4Addresses, 4).Concat(Split(report.Ipv6Addresses, 16));

    static IEnumerable<IPAddress> Split(ByteString packed, int length)
    {
        for (var at = 0; at + length <= packed.Length; at += length) yield return new IPAddress(packed.Span.Slice(at, length));
    }

    static BreachSight Of(BreachReport breach, DateTime now) => new(
        InvariantOf(breach.Invariant), breach.Code, breach.Subject, breach.Message,
        Guid.TryParse(breach.PortId, out var port) ? port : null,
        Past(breach.Since, now), breach.Mended is null ? null : Past(breach.LastSeen, now),
        breach.Mended is null ? null : Past(breach.Mended, now));

    static bool IsCode(string code) =>
        code.Length is > 0 and <= MostWords && code.All(c => char.IsAsciiLetterUpper(c) || char.IsAsciiDigit(c) || c == '_');

    static DateTime Past(Timestamp? time, DateTime now) => ReportTimes.Past(time, now, TimeSpan.TicksPerMillisecond);

    static FabricBreach.Types.Invariant InvariantOf(BreachReport.Types.Invariant invariant) => invariant switch
    {
        BreachReport.Types.Invariant.NoSharedL2 => FabricBreach.Types.Invariant.NoSharedL2,
        BreachReport.Types.Invariant.TwoNextHops => FabricBreach.Types.Invariant.TwoNextHops,
        BreachReport.Types.Invariant.NoSpoofablePath => FabricBreach.Types.Invariant.NoSpoofablePath,
        BreachReport.Types.Invariant.OneOwner => FabricBreach.Types.Invariant.OneOwner,
        _ => FabricBreach.Types.Invariant.Unspecified,
    };
}
