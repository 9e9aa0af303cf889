using Google.Protobuf.WellKnownTypes;
using Monolith.Compute.V1;
using Monolith.Platform.Storage;

namespace Monolith.Compute.ServerGroups;

/// <summary>Which servers run near each other, and which apart. Nothing changes but what is counted.</summary>
internal sealed class ServerGroupRow : ResourceRow
{
    public ServerGroup.Types.Policy Policy { get; init; }
    /// <summary>Empty: a place is a hypervisor.</summary>
    public string TopologyLabel { get; init; } = "";
    /// <summary>Rises with every placement in the group: each is decided from what the one before led to.</summary>
    public long Placements { get; set; }

    public ServerGroup ToProto(int servers) => new()
    {
        Name = Name,
        Uid = Uid.ToString(),
        Etag = Etag,
        Policy = Policy,
        TopologyLabel = TopologyLabel,
        ServerCount = servers,
        CreateTime = CreateTime.ToTimestamp(),
    };
}
