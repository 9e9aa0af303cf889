using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Monolith.Api.V1;
using Monolith.Disks;
using Monolith.Image.Blobs;
using Monolith.Image.Contracts;
using Monolith.Image.V1;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;
using ImageMessage = Monolith.Image.V1.Image;

namespace Monolith.Image.Images;

/// <summary>A name for a blob. The content never changes, once it is there.</summary>
internal sealed class ImageRow : ResourceRow
{
    public ImageMessage.Types.State State { get; set; } = ImageMessage.Types.State.Ready;

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

    /// <summary>Where its content is from, as a protobuf <c>Image</c> with that part alone.</summary>
    public byte[] Origin { get; set; } = [];

    /// <summary>Of an import: in which format it is to be kept.</summary>
    public ImageMessage.Types.Format StoreAs { get; init; }

    /// <summary>Of an import: what says that the rest is of the same content.</summary>
    public string ImportValidator { get; set; } = "";

    /// <summary>Of an import: attempts in a row that brought nothing.</summary>
    public int ImportFailures { get; set; }

    /// <summary>When it got there; null: when it was made.</summary>
    public DateTime? StateTime { get; set; }
    /// <summary>Of a copy that is being made.</summary>
    public long BytesDone { get; set; }
    public long BytesTotal { get; set; }
    /// <summary>Why a copy failed.</summary>
    public string Reason { get; set; } = "";
    public string Message { get; set; } = "";
    /// <summary>Whose disk it is; empty: it was uploaded.</summary>
    public string SourceServer { get; init; } = "";

    public ImageImport? Import => ReadOrigin().Import;

    public static ImageRow Of(string name, ImageMessage? image, ImageMessage.Types.Format storeAs, DateTime now)
    {
        image ??= new ImageMessage();
        return new ImageRow
        {
            Name = name,
            Project = ResourceName.ProjectOf(name)!,
            DisplayName = image.DisplayName,
            Labels = Platform.Names.Labels.Store(image.Labels),
            Sha256 = "",
            Visibility = image.Visibility == ImageMessage.Types.Visibility.Unspecified
                ? ImageMessage.Types.Visibility.Private
                : image.Visibility,
            MinDiskGib = image.MinDiskGib,
            MinMemoryMib = image.MinMemoryMib,
            Family = image.Family,
            Deprecation = image.Deprecation == ImageMessage.Types.Deprecation.Unspecified
                ? ImageMessage.Types.Deprecation.None
                : image.Deprecation,
            Replacement = image.Replacement,
            DeprecationMessage = image.DeprecationMessage,
            Hidden = image.Hidden,
            DeleteProtected = image.DeleteProtected,
            SharedWith = Sharing.Store(image.SharedWith),
            StoreAs = storeAs,
            CreateTime = now,
            UpdateTime = now,
        };
    }

    /// <summary>Its content is there.</summary>
    public void Fill(ReceivedBlob blob, ImageMessage origin)
    {
        (Sha256, SizeBytes, VirtualSizeBytes) = (blob.Sha256, blob.SizeBytes, blob.Disk.VirtualSizeBytes);
        Format = FormatOf(blob.Disk);
        MinDiskGib = Math.Max(MinDiskGib, (int)((VirtualSizeBytes + (1L << 30) - 1) >> 30));
        if (blob.Source is { } source) (origin.SourceSha256, origin.SourceFormat) = (source.Sha256, FormatOf(source.Disk));
        WriteOrigin(origin);
    }

    public ImageMessage ReadOrigin() => ImageMessage.Parser.ParseFrom(Origin);

    public void WriteOrigin(ImageMessage origin) => Origin = origin.ToByteArray();

    static ImageMessage.Types.Format FormatOf(DiskFinding disk) =>
        disk.Kind == DiskKind.Qcow2 ? ImageMessage.Types.Format.Qcow2 : ImageMessage.Types.Format.Raw;

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
            BytesDone = BytesDone,
            BytesTotal = BytesTotal,
            SourceServer = SourceServer,
            CreateTime = CreateTime.ToTimestamp(),
            UpdateTime = UpdateTime.ToTimestamp(),
            State = State,
            Reconciling = State is ImageMessage.Types.State.Importing or ImageMessage.Types.State.Creating,
        };
        if (Origin.Length > 0) image.MergeFrom(Origin);
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
        ImageRules.Warning(Name, Deprecation, DeprecationMessage, Replacement))
    {
        Missing = ImageRules.Missing(Name, State, Message),
    };
}
