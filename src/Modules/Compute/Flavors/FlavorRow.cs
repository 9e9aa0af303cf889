using Google.Protobuf.WellKnownTypes;
using Monolith.Compute.V1;
using Monolith.Platform.Storage;

namespace Monolith.Compute.Flavors;

/// <summary>A size. Nothing but the words about it changes.</summary>
internal sealed class FlavorRow : ResourceRow
{
    public int Vcpus { get; init; }
    public int MemoryMib { get; init; }
    public int DiskGib { get; init; }

    public Flavor ToProto()
    {
        var flavor = new Flavor
        {
            Name = Name,
            Uid = Uid.ToString(),
            Etag = Etag,
            DisplayName = DisplayName,
            Vcpus = Vcpus,
            MemoryMib = MemoryMib,
            DiskGib = DiskGib,
            CreateTime = CreateTime.ToTimestamp(),
            UpdateTime = UpdateTime.ToTimestamp(),
        };
        Platform.Names.Labels.Load(Labels, flavor.Labels);
        return flavor;
    }
}
