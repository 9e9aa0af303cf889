using Monolith.Image.Blobs;
using Monolith.Image.Contracts;
using Monolith.Image.V1;
using Monolith.Platform.Faults;
using Monolith.Platform.Names;

namespace Monolith.Image.Images;

internal static class ImageRules
{
    public static readonly string[] Changeable =
        ["display_name", "labels", "visibility", "min_disk_gib", "min_memory_mib", "family", "deprecation",
            "replacement", "deprecation_message", "hidden", "delete_protected", "shared_with"];

    public const int MaxDeprecationMessage = 255;
    public const int MaxSharedWith = 100;

    public static void Check(UploadImageRequest.Types.Header header)
    {
        var violations = new Violations();
        ResourceName.Parse("projects/*", header.Parent, "header.parent", violations);
        violations.Id("header.image_id", header.ImageId);
        violations.Require(header.Sha256.Length == 0 || BlobStore.IsDigest(header.Sha256), "header.sha256",
            "must be 64 lower-case hex digits, or empty");
        violations.RequestId("header.request_id", header.RequestId);
        StoreAs("header.store_as", header.StoreAs, violations);
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
        if (image.Family.Length > 0) violations.Id(field + ".family", image.Family);
        violations.Require(Enum.IsDefined(image.Visibility), field + ".visibility", "must be PRIVATE, SHARED or PUBLIC");
        violations.Require(Enum.IsDefined(image.Deprecation), field + ".deprecation", "must be NONE, DEPRECATED or OBSOLETE");
        if (image.Replacement.Length > 0 && !ImageNames.IsImageOrFamily(image.Replacement))
            violations.Add(field + ".replacement", ResourceName.Expected(ImageNames.Expected, image.Replacement));
        violations.Require(
            image.DeprecationMessage.Length <= MaxDeprecationMessage && !image.DeprecationMessage.Any(char.IsControl),
            field + ".deprecation_message",
            $"must have at most {MaxDeprecationMessage} characters and no control characters");
        violations.Require(image.SharedWith.Count <= MaxSharedWith, field + ".shared_with", $"must be at most {MaxSharedWith}");
        for (var i = 0; i < image.SharedWith.Count; i++)
            violations.Require(ResourceName.Match("projects/*", image.SharedWith[i]) is [var id] && Violations.IsId(id),
                $"{field}.shared_with[{i}]", "must be a project's name, in the form projects/*");
    }

    public static void StoreAs(string field, V1.Image.Types.Format format, Violations violations) =>
        violations.Require(Enum.IsDefined(format), field, "must be RAW or QCOW2, or nothing");

    /// <summary>What speaks against an image, as one sentence or more; empty: nothing.</summary>
    public static string Warning(string name, V1.Image.Types.Deprecation deprecation, string message, string replacement)
    {
        var word = deprecation switch
        {
            V1.Image.Types.Deprecation.Deprecated => "deprecated",
            V1.Image.Types.Deprecation.Obsolete => "obsolete",
            _ => "",
        };
        if (word.Length == 0) return "";
        return $"{name} is {word}{(message.Length > 0 ? ": " + message.TrimEnd('.') : "")}."
            + (replacement.Length > 0 ? $" Use {replacement} instead." : "");
    }

    /// <summary>Why there is no content; empty: there is.</summary>
    public static string Missing(string name, V1.Image.Types.State state, string message) => state switch
    {
        V1.Image.Types.State.Creating => $"{name} is still being made; wait until it is READY",
        V1.Image.Types.State.Importing => $"{name} is being imported; wait until it is READY",
        V1.Image.Types.State.Failed when message.Length > 0 => $"{name} has no content: {message.TrimEnd('.')}",
        V1.Image.Types.State.Failed => $"the import of {name} failed; its conditions say why",
        _ => "",
    };

    /// <exception cref="Fault">It is protected.</exception>
    public static void RefuseDeletion(ImageRow row)
    {
        if (row.DeleteProtected)
            throw Fault.Precondition("DELETE_PROTECTED", row.Name,
                $"{row.Name} is protected. Set delete_protected to false first.");
    }
}
