using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using Monolith.Api.V1;
using Monolith.Compute.V1;
using Monolith.Compute.Vms;
using Monolith.Platform.Storage;
using State = Monolith.Compute.V1.ImagePrewarm.Types.State;
using Status = Monolith.Api.V1.Condition.Types.Status;

namespace Monolith.Compute.Prewarms;

/// <summary>An image that hypervisors are to hold. What is wanted never changes; what is known of it is kept by the
/// <see cref="Warmer"/>.</summary>
internal sealed class ImagePrewarmRow : ResourceRow
{
    /// <summary>An image, or a family.</summary>
    public required string Image { get; init; }
    /// <summary>Empty: every one.</summary>
    public string AvailabilityZone { get; init; } = "";
    /// <summary>As <c>Labels.Store</c> writes them; empty: any.</summary>
    public string HypervisorLabels { get; init; } = "";

    public State State { get; set; } = State.Warming;

    /// <summary>The image to hold; empty, with its digest: none.</summary>
    public string HeldImage { get; set; } = "";
    public string Sha256 { get; set; } = "";
    public long SizeBytes { get; set; }
    public string Format { get; set; } = "";
    /// <summary>Why there is none to hold, and whether there may be one soon.</summary>
    public string ImageReason { get; set; } = "";
    public string ImageMessage { get; set; } = "";
    /// <summary>When that changed last.</summary>
    public DateTime ImageTime { get; set; }

    /// <summary>JSON of a <see cref="Tally"/>.</summary>
    public string Counts { get; set; } = "{}";
    /// <summary>When <see cref="State"/> changed last.</summary>
    public DateTime StateTime { get; set; }

    public Wanted Wanted => new(Sha256, SizeBytes, Format);

    public Tally Tally
    {
        get => JsonSerializer.Deserialize<Tally>(Counts, JsonSerializerOptions.Web) ?? Tally.None;
        set => Counts = JsonSerializer.Serialize(value, JsonSerializerOptions.Web);
    }

    public bool Matches(string zone, string labels) => Selection.Matches(AvailabilityZone, HypervisorLabels, zone, labels);

    public ImagePrewarm ToProto()
    {
        var tally = Tally;
        var prewarm = new ImagePrewarm
        {
            Name = Name,
            Uid = Uid.ToString(),
            Etag = Etag,
            Image = Image,
            AvailabilityZone = AvailabilityZone,
            State = State,
            HeldImage = HeldImage,
            Sha256 = Sha256,
            SizeBytes = SizeBytes,
            HypervisorCount = tally.Hypervisors,
            HoldingCount = tally.Holding,
            FetchingCount = tally.Fetching,
            WaitingCount = tally.Waiting,
            FailedCount = tally.Failed,
            DownCount = tally.Down,
            BytesDone = tally.BytesDone,
            Failures =
            {
                (tally.Failures ?? []).Select(f => new ImagePrewarmFailure
                {
                    Hypervisor = f.Hypervisor,
                    Reason = f.Reason,
                    Message = f.Message,
                }),
            },
            Conditions = { Found(), Held(tally) },
            CreateTime = CreateTime.ToTimestamp(),
            UpdateTime = UpdateTime.ToTimestamp(),
        };
        Platform.Names.Labels.Load(HypervisorLabels, prewarm.HypervisorLabels);
        return prewarm;
    }

    Condition Found() => new()
    {
        Type = "ImageFound",
        Status = Sha256.Length > 0 ? Status.True : State == State.Failed ? Status.False : Status.Pending,
        Reason = ImageReason,
        Message = ImageMessage,
        Since = ImageTime.ToTimestamp(),
    };

    Condition Held(Tally tally) => Sha256.Length == 0
        ? new() { Type = "Held", Status = Status.Pending, Since = StateTime.ToTimestamp() }
        : new()
        {
            Type = "Held",
            Status = State switch { State.Warm => Status.True, State.Failed => Status.False, _ => Status.Pending },
            Reason = State == State.Failed && tally.Failures is [var first, ..] ? first.Reason : "",
            Message = tally.Say(),
            Since = StateTime.ToTimestamp(),
        };
}

/// <summary>An image that is to be in a cache.</summary>
internal readonly record struct Wanted(string Sha256, long SizeBytes, string Format);

/// <summary>What a hypervisor said of a wanted image. It is gone when the image is wanted there no longer.</summary>
internal sealed class ImageReportRow
{
    /// <summary>Its id.</summary>
    public required string Hypervisor { get; init; }
    public required string Sha256 { get; init; }
    public Agent.V1.ImageStatus.Types.State State { get; set; }
    public long BytesDone { get; set; }
    public string Reason { get; set; } = "";
    public string Message { get; set; } = "";

    /// <returns>Whether it is news.</returns>
    public bool Take(Agent.V1.ImageStatus status)
    {
        var before = (State, BytesDone, Reason, Message);
        (State, BytesDone, Reason, Message) =
            (status.State, Math.Max(0, status.BytesDone), VmWire.Limit(status.Reason), VmWire.Limit(status.Message));
        return before != (State, BytesDone, Reason, Message);
    }
}
