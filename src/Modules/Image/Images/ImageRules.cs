using Monolith.Image.Blobs;
using Monolith.Image.V1;
using Monolith.Platform.Faults;
using Monolith.Platform.Names;

namespace Monolith.Image.Images;

internal static class ImageRules
{
    public static readonly string[] Changeable = ["display_name", "labels", "visibility", "min_disk_gib", "min_memory_mib"];

    public static void Check(UploadImageRequest.Types.Header header)
    {
        var violations = new Violations();
        ResourceName.Parse("projects/*", header.Parent, "header.parent", violations);
        violations.Id("header.image_id", header.ImageId);
        violations.Require(header.Sha256.Length == 0 || BlobStore.IsDigest(header.Sha256), "header.sha256",
            "must be 64 lower-case hex digits, or empty");
        violations.RequestId("header.request_id", header.RequestId);
        violations.Require(header.SizeBytes >= 0, "header.size_bytes", "must not be negative");
        if (header.Image is not null) Check(header.Image, "header.image", violations);
        violations.ThrowIfAny();
    }

    public static void Check(V1.Image image, string field, Violations violations)
    {
        violations.DisplayName(field + ".display_name", image.DisplayName);
        violations.Labels(field + ".labels", image.Labels);
        violations.Require(image.MinDiskGib is >= 0 and <= 65_536, field + ".min_disk_gib", "must be 0 to 65536");
        violations.Require(image.MinMemoryMib is >= 0 and <= 4_194_304, field + ".min_memory_mib", "must be 0 to 4194304");
        violations.Require(Enum.IsDefined(image.Visibility), field + ".visibility", "must be PRIVATE or PUBLIC");
    }
}
