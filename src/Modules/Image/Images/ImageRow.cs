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
            CreateTime = CreateTime.ToTimestamp(),
            UpdateTime = UpdateTime.ToTimestamp(),
        };
        Platform.Names.Labels.Load(Labels, image.Labels);
        return image;
    }

    public ImageFacts ToFacts() => new(Name, Sha256, SizeBytes, Format == ImageMessage.Types.Format.Qcow2 ? "qcow2" : "raw",
        VirtualSizeBytes, MinDiskGib, MinMemoryMib);
}
