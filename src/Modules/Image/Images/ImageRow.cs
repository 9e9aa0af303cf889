using Google.Protobuf.WellKnownTypes;
using Monolith.Api.V1;
using Monolith.Image.Contracts;
using Monolith.Platform.Storage;
using ImageMessage = Monolith.Image.V1.Image;

namespace Monolith.Image.Images;

/// <summary>A name for a blob. The content never changes, once it is there.</summary>
internal sealed class ImageRow : ResourceRow
{
    /// <summary>Empty while there is no content.</summary>
    public required string Sha256 { get; set; }
    public long SizeBytes { get; set; }
    public long VirtualSizeBytes { get; set; }
    public ImageMessage.Types.Format Format { get; set; }
    public ImageMessage.Types.Visibility Visibility { get; set; }
    public int MinDiskGib { get; set; }
    public int MinMemoryMib { get; set; }

    /// <summary>Empty: of none.</summary>
    public string Family { get; set; } = "";
    public ImageMessage.Types.Deprecation Deprecation { get; set; } = ImageMessage.Types.Deprecation.None;
    public string Replacement { get; set; } = "";
    public string DeprecationMessage { get; set; } = "";
    public bool Hidden { get; set; }
    public bool DeleteProtected { get; set; }

    /// <summary>As <see cref="Sharing.Store"/> writes them.</summary>
    public string SharedWith { get; set; } = "";

    public ImageMessage.Types.State State { get; set; } = ImageMessage.Types.State.Ready;
    /// <summary>When it got there; null: when it was made.</summary>
    public DateTime? StateTime { get; set; }
    /// <summary>Of what is being made.</summary>
    public long BytesDone { get; set; }
    public long BytesTotal { get; set; }
    /// <summary>Why it failed.</summary>
    public string Reason { get; set; } = "";
    public string Message { get; set; } = "";
    /// <summary>Whose disk it is; empty: it was uploaded.</summary>
    public string SourceServer { get; init; } = "";

    public ImageMessage ToProto()
    {
        var image = new ImageMessage
        {
            Name = Name,
            Uid = Uid.ToString(),
            Etag = Etag,
            DisplayName = DisplayName,
            Format = Format,
            Visibility = Visibility,
            Sha256 = Sha256,
            SizeBytes = SizeBytes,
            VirtualSizeBytes = VirtualSizeBytes,
            MinDiskGib = MinDiskGib,
            MinMemoryMib = MinMemoryMib,
            Family = Family,
            Deprecation = Deprecation,
            Replacement = Replacement,
            DeprecationMessage = DeprecationMessage,
            Hidden = Hidden,
            DeleteProtected = DeleteProtected,
            SharedWith = { Sharing.Read(SharedWith).Select(p => "projects/" + p) },
            State = State,
            Reconciling = State == ImageMessage.Types.State.Creating,
            BytesDone = BytesDone,
            BytesTotal = BytesTotal,
            SourceServer = SourceServer,
            CreateTime = CreateTime.ToTimestamp(),
            UpdateTime = UpdateTime.ToTimestamp(),
        };
        if (SourceServer.Length > 0) image.Conditions.Add(Copied());
        Platform.Names.Labels.Load(Labels, image.Labels);
        return image;
    }

    Condition Copied() => new()
    {
        Type = "Copied",
        Status = State switch
        {
            ImageMessage.Types.State.Creating => Condition.Types.Status.Pending,
            ImageMessage.Types.State.Failed => Condition.Types.Status.False,
            _ => Condition.Types.Status.True,
        },
        Reason = Reason,
        Message = State == ImageMessage.Types.State.Creating && BytesTotal > 0
            ? string.Create(System.Globalization.CultureInfo.InvariantCulture,
                $"{100 * BytesDone / BytesTotal} % of {BytesTotal >> 20} MiB")
            : Message,
        Since = (StateTime ?? CreateTime).ToTimestamp(),
    };

    public ImageFacts ToFacts() => new(Name, Sha256, SizeBytes, Format == ImageMessage.Types.Format.Qcow2 ? "qcow2" : "raw",
        VirtualSizeBytes, MinDiskGib, MinMemoryMib, Deprecation == ImageMessage.Types.Deprecation.Obsolete,
        ImageRules.Warning(Name, Deprecation, DeprecationMessage, Replacement), ImageRules.Unready(Name, State, Message));
}
