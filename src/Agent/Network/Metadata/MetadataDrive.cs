using System.Text;
using Monolith.Disks.Iso;

namespace Monolith.Agent.Network.Metadata;

/// <summary>What is on the disk that tells a guest who it is, for images that do not ask the metadata service. Pure.</summary>
internal static class MetadataDrive
{
    /// <summary>Label of OpenStack's configuration drive.</summary>
    public const string ConfigDrive = "config-2";

    /// <summary>Label that cloud-init's NoCloud looks for.</summary>
    public const string NoCloud = "cidata";

    /// <param name="label">One of the two.</param>
    /// <param name="document">What the metadata service says.</param>
    /// <param name="ports">The guest's, in its order.</param>
    public static IReadOnlyList<IsoFile> Files(string label, MetadataDocument document, IReadOnlyList<PortPlan> ports) =>
        label == NoCloud ? SeedOf(document) : ConfigOf(document, ports);

    /// <summary>There is no <c>network-config</c>: by default each card is configured by DHCP, and all answers are there.</summary>
    private static IsoFile[] SeedOf(MetadataDocument document) =>
    [
        new("meta-data", MetadataText.NoCloud(document)), new("user-data", document.UserData),
        .. document.Login is { } login ? [new IsoFile("vendor-data", Encoding.UTF8.GetBytes(login.VendorData()))] : Array.Empty<IsoFile>(),
    ];

    private static IsoFile[] ConfigOf(MetadataDocument document, IReadOnlyList<PortPlan> ports) =>
    [
        .. from version in MetadataTree.OpenStackVersions
           from name in MetadataText.OpenStackFiles
           let text = MetadataText.OpenStack(name, document, ports)
           where text is not null
           select new IsoFile($"openstack/{version}/{name}", text.Value),
    ];
}
