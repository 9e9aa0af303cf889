using System.Text.Json.Serialization;
using Google.Protobuf.WellKnownTypes;
using Microsoft.EntityFrameworkCore.ChangeTracking;
using Monolith.Compute.Steps;
using Monolith.Compute.V1;

namespace Monolith.Compute.LiveMigration;

/// <summary>A server's way from one hypervisor to another. Immutable; kept with the server as JSON.</summary>
/// <param name="Id">Of the attempt: what its vms report under another one counts for nothing.</param>
/// <param name="Secret">What the two ends know each other by.</param>
/// <param name="Source">A hypervisor's id.</param>
/// <param name="Target">As above; empty: any.</param>
/// <param name="Placed">The target's capacity was claimed and its vm made.</param>
/// <param name="PortsAt">The hypervisor that makes the ports beside the source; empty: none.</param>
/// <param name="StateTime">When the state was entered.</param>
/// <param name="Stopped">The server does not run: its disk goes alone.</param>
internal sealed record ServerMigration(string Id, string Secret, string Source, string Target, Migration.Types.State State,
    DateTime Start, DateTime StateTime, DateTime Deadline, bool Placed = false, string PortsAt = "", long Done = 0,
    long Total = 0, TimeSpan? Downtime = null, string Reason = "", string Message = "", bool Stopped = false)
{
    public IReadOnlyList<Step> Steps { get; init; } = [];

    [JsonIgnore]
    public bool IsOver => State is Migration.Types.State.Succeeded or Migration.Types.State.Failed
        or Migration.Types.State.Aborted;

    /// <summary>Never changed in place, so being the same object is being equal.</summary>
    public static readonly ValueComparer<ServerMigration?> Comparer = new(
        (a, b) => ReferenceEquals(a, b), m => m == null ? 0 : m.Id.GetHashCode(StringComparison.Ordinal), m => m);

    public ServerMigration Enter(Migration.Types.State state, DateTime now, string reason = "", string message = "") =>
        this with
        {
            State = state,
            StateTime = now,
            Reason = reason.Length > 0 ? reason : Reason,
            Message = message.Length > 0 ? message : Message,
        };

    public ServerMigration With(Step step)
    {
        var steps = Steps.With(step);
        // The two ends speak when they like; what is told is in the order in which it happens.
        return ReferenceEquals(steps, Steps) ? this : this with { Steps = [.. steps.OrderBy(s => MigrationLifecycle.InOrder.IndexOf(s.Type))] };
    }

    public Migration ToProto() => new()
    {
        State = State,
        Source = "hypervisors/" + Source,
        Target = Target.Length == 0 ? "" : "hypervisors/" + Target,
        BytesDone = Done,
        BytesTotal = Total,
        Downtime = Downtime is { } downtime ? Duration.FromTimeSpan(downtime) : null,
        Reason = Reason,
        Message = Message,
        StartTime = Start.ToTimestamp(),
        Deadline = Deadline.ToTimestamp(),
        Conditions = { Steps.Select(s => s.ToCondition()) },
    };
}
