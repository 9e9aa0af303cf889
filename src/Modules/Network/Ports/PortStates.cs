using Google.Protobuf.WellKnownTypes;
using Monolith.Agent.V1;
using Monolith.Api.V1;
using Monolith.Network.V1;
using Reported = Monolith.Agent.V1.PortStatus.Types.State;

namespace Monolith.Network.Ports;

/// <summary>
/// What a port's state and conditions are, from what is wanted and what its hypervisor reports. Pure.
/// <code>
///   UNBOUND ── bind ──▶ PENDING ── announced ──▶ ACTIVE
///      ▲                 │  ▲ ▲                   │ │
///      │          failed │  │ └─ guest gone ──────┘ │ failed
///      │                 ▼  │ plugged, carrier      │
///      └── unbind ────  FAILED ◀────────────────────┘
/// </code>
/// Plugged: filters and tap are in place. Announced: the guest is up and the fabric has the routes.
/// </summary>
internal static class PortStates
{
    public const string Plugged = "Plugged";
    public const string Announced = "Announced";

    public const int MaxReason = 64;
    public const int MaxMessage = 1024;

    /// <summary>Told to a hypervisor, and nothing heard.</summary>
    public static void Await(PortRow port, DateTime now)
    {
        port.State = Port.Types.State.Pending;
        port.ReportDigest = "";
        port.SetConditions(
        [
            Next(null, Plugged, Condition.Types.Status.Pending, "", "", now),
            Next(null, Announced, Condition.Types.Status.Pending, "", "", now),
        ]);
    }

    /// <summary>No hypervisor has it.</summary>
    public static void Unbind(PortRow port)
    {
        port.State = Port.Types.State.Unbound;
        port.ReportDigest = "";
        port.SetConditions([]);
    }

    /// <summary>Takes a report in.</summary>
    /// <returns>Whether state or conditions are others than before.</returns>
    public static bool Report(PortRow port, PortStatus status, DateTime now)
    {
        var (state, bytes) = (port.State, port.ConditionBytes);
        port.ReportDigest = status.ReportDigest;
        var before = port.Conditions.ToDictionary(c => c.Type);
        var wasPlugged = before.TryGetValue(Plugged, out var plugged)
            && plugged.Status == Condition.Types.Status.True;
        var reason = Cut(status.Reason.Length == 0 ? "PORT_FAILED" : status.Reason, MaxReason);
        var message = Cut(status.Message, MaxMessage);
        Condition Of(string type, Condition.Types.Status value, bool tellWhy = false) => Next(
            before.GetValueOrDefault(type), type, value, tellWhy ? reason : "", tellWhy ? message : "", now);

        (port.State, var conditions) = status.State switch
        {
            Reported.Plugged or Reported.Carrier => (Port.Types.State.Pending,
                new[] { Of(Plugged, Condition.Types.Status.True), Of(Announced, Condition.Types.Status.Pending) }),
            Reported.Announced => (Port.Types.State.Active,
                [Of(Plugged, Condition.Types.Status.True), Of(Announced, Condition.Types.Status.True)]),
            // What was in place and broke is a matter of the routes; what never was, of the plugging.
            Reported.Failed when wasPlugged => (Port.Types.State.Failed,
                [Of(Plugged, Condition.Types.Status.True), Of(Announced, Condition.Types.Status.False, true)]),
            Reported.Failed => (Port.Types.State.Failed,
                [Of(Plugged, Condition.Types.Status.False, true), Of(Announced, Condition.Types.Status.Pending)]),
            _ => (port.State, before.Values.ToArray()),
        };
        port.SetConditions(conditions);
        return port.State != state || !bytes.AsSpan().SequenceEqual(port.ConditionBytes);
    }

    static Condition Next(Condition? before, string type, Condition.Types.Status status, string reason, string message,
        DateTime now) => new()
        {
            Type = type,
            Status = status,
            Reason = reason,
            Message = message,
            Since = before?.Status == status ? before.Since : now.ToTimestamp(),
        };

    static string Cut(string text, int length) => text.Length <= length ? text : text[..length];
}
