using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Google.Protobuf;

namespace Monolith.Agent.Reconcile;

/// <summary>
/// How far a start of a vm has come. Each stage is idempotent and is passed again after the agent's restart.
/// </summary>
internal enum VmStage
{
    None,
    Imaged,
    Disked,
}

/// <summary>One step of a start, as VmStep reports it.</summary>
internal sealed record StepFact(
    string Name, DateTimeOffset Start, TimeSpan? Duration = null, bool Failed = false, string Message = "");

/// <summary>Why a vm is not as wanted.</summary>
/// <param name="Generation">Of the desired vm that failed; another one is tried afresh.</param>
/// <param name="Restarts">Of the desired vm that failed; a further one is tried afresh.</param>
/// <param name="RetryAt">When it is tried again; null: never by itself.</param>
internal sealed record VmTrouble(
    ulong Generation, uint Restarts, string Reason, string Message, DateTimeOffset? RetryAt, int Attempt);

/// <summary>
/// A restart that was begun: after a crash of the agent in its middle, a younger run proves that it was done.
/// </summary>
internal sealed record RestartBegun(uint Number, DateTimeOffset At);

/// <summary>
/// What the agent remembers of a vm beyond what its driver can observe. Immutable; durable where forgetting it would
/// repeat something (a restart) or lie (a run that the guest ended).
/// </summary>
internal sealed record VmFact
{
    public static readonly VmFact None = new();

    /// <summary>Why the guest's cards are not as wanted. Not durable: the next agent finds out by itself.</summary>
    [JsonIgnore]
    public VmTrouble? CardTrouble { get; init; }

    /// <summary>Desired generation that was acted on last.</summary>
    public ulong Generation { get; init; }

    /// <summary>Restarts that were acted on.</summary>
    public uint Restarts { get; init; }

    public RestartBegun? Restarting { get; init; }

    public VmStage Stage { get; init; }

    public ImmutableArray<StepFact> Steps { get; init; } = [];

    /// <summary>Since when the run that <see cref="Answers"/> is about runs; null when no run is known.</summary>
    public DateTimeOffset? RunSince { get; init; }

    public bool Answers { get; init; }

    /// <summary>The guest shut itself down; desired generation at that time.</summary>
    public ulong? PoweredOffAt { get; init; }

    /// <summary>When QEMU died without being asked, within the policy's window.</summary>
    public ImmutableArray<DateTimeOffset> Crashes { get; init; } = [];

    /// <summary>The phase change that was taken note of last, so that one crash counts once.</summary>
    public DateTimeOffset? CrashNoted { get; init; }

    public VmTrouble? Trouble { get; init; }

    /// <summary>The guest that was to come from elsewhere is here: from now on the vm is as any other.</summary>
    public bool Arrived { get; init; }

    /// <summary>The guest has left for another hypervisor.</summary>
    public bool Departed { get; init; }

    /// <summary>The boot of the machine that the run belongs to.</summary>
    public string BootId { get; init; } = "";

    /// <summary>Nothing is left of it; reported until the host says remove.</summary>
    public bool Gone { get; init; }

    /// <summary>
    /// Since when it is here though nobody wants it. Not durable: a restart gives it its whole grace again.
    /// </summary>
    [JsonIgnore]
    public DateTimeOffset? UnwantedSince { get; init; }

    public ByteString Encode() =>
        UnsafeByteOperations.UnsafeWrap(JsonSerializer.SerializeToUtf8Bytes(this, VmFactJson.Default.VmFact));

    public static VmFact? Decode(ByteString bytes)
    {
        try
        {
            return JsonSerializer.Deserialize(bytes.Span, VmFactJson.Default.VmFact);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

[JsonSerializable(typeof(VmFact))]
internal sealed partial class VmFactJson : JsonSerializerContext;
