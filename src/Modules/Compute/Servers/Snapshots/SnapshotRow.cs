using Monolith.Image.Contracts;

namespace Monolith.Compute.Servers.Snapshots;

/// <summary>A copy of a server's disk that is to become an image. Its row goes when that is over, well or not.</summary>
internal sealed class SnapshotRow
{
    /// <summary>The image's as well.</summary>
    public required Guid Uid { get; init; }
    public required Guid ServerUid { get; init; }
    public required string ServerName { get; init; }
    /// <summary>Whose disk it is: another one has another.</summary>
    public required Guid VmUid { get; init; }
    /// <summary>The image's name.</summary>
    public required string Image { get; init; }
    public string Family { get; init; } = "";
    public string DisplayName { get; init; } = "";
    public int DiskGib { get; init; }
    public int LeastMemoryMib { get; init; }
    public DateTime CreateTime { get; init; }
    public DateTime Deadline { get; init; }
    /// <summary>The image has been made: one that is not there any more was deleted.</summary>
    public bool Reserved { get; set; }

    public ImageOrder Order => new(Uid, Image, Family, DisplayName, ServerName, DiskGib, LeastMemoryMib,
        (long)DiskGib << 30, CreateTime);
}
