using Monolith.Compute.V1;
using Monolith.Image.Contracts;
using Monolith.Platform.Faults;
using Monolith.Platform.Names;

namespace Monolith.Compute.Servers;

/// <summary>What can be said about a request without looking anything up.</summary>
internal static class ServerRules
{
    public static readonly string[] Changeable = ["display_name", "labels", "metadata", "delete_protected", "keep_disk", "lock_reason",
        "undelete_window"];

    public const int MaxUserData = 64 * 1024;
    public const int MaxNetworks = 8;
    public const int MaxKeyPairs = 16;
    public const int MaxLockReason = 255;
    public static readonly TimeSpan MinUndeleteWindow = TimeSpan.FromMinutes(1);
    public static readonly TimeSpan MaxUndeleteWindow = TimeSpan.FromDays(30);
    public static readonly TimeSpan DefaultReadyTimeout = TimeSpan.FromMinutes(5);
    public static readonly TimeSpan MaxReadyTimeout = TimeSpan.FromHours(1);

    public static void Check(CreateServerRequest request, Violations violations)
    {
        ResourceName.Parse("projects/*", request.Parent, "parent", violations);
        violations.Id("server_id", request.ServerId);
        if (!violations.Require(request.Server is not null, "server", "is required")) return;
        var server = request.Server;
        violations.DisplayName("server.display_name", server.DisplayName);
        violations.Labels("server.labels", server.Labels);
        ServerMetadata.Check(server.Metadata, "server.metadata", violations);
        // Operators name zones; whether there is a hypervisor in one is placement's to say, and may change.
        violations.DisplayName("server.availability_zone", server.AvailabilityZone);
        ResourceName.Parse("flavors/*", server.Flavor, "server.flavor", violations);
        Image(server.Image, "server.image", violations);
        violations.Require(server.UserData.Length <= MaxUserData, "server.user_data",
            $"must have at most {MaxUserData} bytes, but has {server.UserData.Length}");
        violations.Require(server.Hostname.Length == 0 || Violations.IsId(server.Hostname), "server.hostname",
            "must be a host name of one label (RFC 1123), in lower case");
        violations.Require(server.Networks.Count <= MaxNetworks, "server.networks", $"must be at most {MaxNetworks}");
        violations.Require(server.KeyPairs.Count <= MaxKeyPairs, "server.key_pairs", $"must be at most {MaxKeyPairs}");
        for (var i = 0; i < server.KeyPairs.Count; i++)
            InProject(violations, "projects/*/keyPairs/*", server.KeyPairs[i], $"server.key_pairs[{i}]", request.Parent);
        violations.Require(Enum.IsDefined(server.MetadataDrive), "server.metadata_drive", "is not a known kind of drive");
        Protection(server, violations);
        if (server.ServerGroup.Length > 0)
            InProject(violations, "projects/*/serverGroups/*", server.ServerGroup, "server.server_group", request.Parent);
        if (server.ReadyProbe is { } probe)
        {
            violations.Require(probe.TcpPort is >= 0 and <= 65535, "server.ready_probe.tcp_port", "must be 0 to 65535");
            if (probe.Timeout is { } timeout)
                violations.Require(timeout.Seconds >= 1 && timeout.Seconds <= MaxReadyTimeout.TotalSeconds,
                    "server.ready_probe.timeout", "must be 1 s to 3600 s");
        }
    }

    /// <summary>An image, or a family for its newest one.</summary>
    public static void Image(string image, string field, Violations violations)
    {
        if (!ImageNames.IsImageOrFamily(image))
            violations.Add(field, ResourceName.Expected(ImageNames.Expected, image));
    }

    /// <summary>What keeps it from harm.</summary>
    public static void Protection(Server server, Violations violations)
    {
        violations.Require(server.LockReason.Length <= MaxLockReason && !server.LockReason.Any(char.IsControl),
            "server.lock_reason", $"must have at most {MaxLockReason} characters and no control characters");
        var window = server.UndeleteWindow ?? new();
        violations.Require(window is { Nanos: 0, Seconds: 0 } || (window.Nanos == 0
            && window.Seconds >= MinUndeleteWindow.TotalSeconds && window.Seconds <= MaxUndeleteWindow.TotalSeconds),
            "server.undelete_window", "must be 0, or 1 minute to 30 days, in whole seconds");
    }

    static void InProject(Violations violations, string pattern, string name, string field, string parent)
    {
        if (ResourceName.Parse(pattern, name, field, violations) is not null)
            violations.Require(name.StartsWith(parent + "/", StringComparison.Ordinal), field,
                $"must be in {parent}");
    }
}
