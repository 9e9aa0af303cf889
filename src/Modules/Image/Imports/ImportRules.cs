using System.Net;
using Google.Protobuf.WellKnownTypes;
using Monolith.Image.Blobs;
using Monolith.Image.Images;
using Monolith.Image.V1;
using Monolith.Platform.Faults;
using Monolith.Platform.Names;
using ImageMessage = Monolith.Image.V1.Image;

namespace Monolith.Image.Imports;

internal static class ImportRules
{
    const int MaxUrl = 2048;

    public static void Check(ImportImageRequest request, ImportOptions options)
    {
        var violations = new Violations();
        ResourceName.Parse("projects/*", request.Parent, "parent", violations);
        violations.Id("image_id", request.ImageId);
        violations.RequestId("request_id", request.RequestId);
        violations.Require(request.Sha256.Length == 0 || BlobStore.IsDigest(request.Sha256), "sha256",
            "must be 64 lower-case hex digits, or empty");
        violations.Require(request.MaxSizeBytes >= 0 && request.MaxSizeBytes <= options.MaxBytes, "max_size_bytes",
            $"must be 0 to {options.MaxBytes}; 0 for the most");
        ImageRules.StoreAs("store_as", request.StoreAs, violations);
        CheckUrl(request.Url, options, violations);
        if (request.Image is not null) ImageRules.Check(request.Image, "image", violations);
        violations.ThrowIfAny();
    }

    /// <summary>What the image's row keeps of the request.</summary>
    public static ImageMessage Origin(ImportImageRequest request, ImportOptions options, DateTime now)
    {
        var origin = new ImageMessage
        {
            Import = new ImageImport
            {
                Url = request.Url,
                Sha256 = request.Sha256,
                MaxSizeBytes = request.MaxSizeBytes > 0 ? request.MaxSizeBytes : options.MaxBytes,
                Deadline = (now + options.Deadline).ToTimestamp(),
            },
        };
        ImportConditions.Begin(origin, request.StoreAs != ImageMessage.Types.Format.Unspecified, now);
        return origin;
    }

    static void CheckUrl(string text, ImportOptions options, Violations violations)
    {
        if (text.Length > MaxUrl || !Uri.TryCreate(text, UriKind.Absolute, out var url)
            || (url.Scheme != Uri.UriSchemeHttp && url.Scheme != Uri.UriSchemeHttps) || url.Host.Length == 0)
        {
            violations.Add("url", $"must be an http or https URL of at most {MaxUrl} characters");
            return;
        }
        violations.Require(url.UserInfo.Length == 0, "url", "must have no user or password: they would be kept and shown");
        violations.Require(
            !IPAddress.TryParse(url.DnsSafeHost, out var address) || new PublicAddresses(options.Allow).Allows(address), "url",
            $"{url.Host} is no address that images are fetched from: only public ones are, and those that the operators allow");
    }
}
