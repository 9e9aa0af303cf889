using System.Text.Json.Serialization;

namespace Monolith.Agent.Vms;

[JsonConverter(typeof(JsonStringEnumConverter<SnapshotPhase>))]
public enum SnapshotPhase
{
    Copying,

    /// <summary>Whole and on the disk.</summary>
    Copied,

    /// <summary>Nothing is left of it, and the cause says why.</summary>
    Failed,
}

/// <summary>A copy of a VM's disk. Immutable.</summary>
/// <param name="Id">Of the copy.</param>
/// <param name="Phase">How far it is.</param>
/// <param name="BytesDone">Of the disk that the guest sees. It may begin anew.</param>
/// <param name="BytesTotal">As far as is known.</param>
/// <param name="Reason">UPPER_SNAKE_CASE; empty while nothing is wrong.</param>
/// <param name="Cause">For people.</param>
public sealed record VmSnapshot(
    string Id, SnapshotPhase Phase, long BytesDone = 0, long BytesTotal = 0, string Reason = "", string Cause = "");
