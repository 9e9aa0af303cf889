using Google.Protobuf.WellKnownTypes;
using Monolith.Image.Contracts;
using Monolith.Platform.Storage;
using ImageMessage = Monolith.Image.V1.Image;

namespace Monolith.Image.Images;

/// <summary>A name for a blob. The content never changes.</summary>
internal sealed class ImageRow : ResourceRow
{
    public required string Sha256 { get; init; }
    public long SizeBytes { get; init; }
    public long VirtualSizeBytes { get; init; }
    public ImageMessage.Types.Format Format { get; init; }
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
            CreateTime = CreateTime.ToTimestamp(),
            UpdateTime = UpdateTime.ToTimestamp(),
        };
        Platform.Names.Labels.Load(Labels, image.Labels);
        return image;
    }

    public ImageFacts ToFacts() => new(Name, Sha256, SizeBytes, Format == ImageMessage.Types.Format.Qcow2 ? "qcow2" : "raw",
        VirtualSizeBytes, MinDiskGib, MinMemoryMib, Deprecation == ImageMessage.Types.Deprecation.Obsolete,
        ImageRules.Warning(Name, Deprecation, DeprecationMessage, Replacement));
}
