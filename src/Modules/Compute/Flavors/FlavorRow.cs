using Google.Protobuf.WellKnownTypes;
using Monolith.Compute.Placement;
using Monolith.Compute.V1;
using Monolith.Platform.Storage;

namespace Monolith.Compute.Flavors;

/// <summary>A size, and the kind of hypervisor that it needs. Nothing but the words about it changes.</summary>
internal sealed class FlavorRow : ResourceRow
{
    public int Vcpus { get; init; }
    public int MemoryMib { get; init; }
    public int DiskGib { get; init; }
    /// <summary>As <see cref="TraitSet"/> stores them.</summary>
    public string RequiredTraits { get; init; } = "";
    public string ForbiddenTraits { get; init; } = "";
    public bool Packs { get; init; }

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
            RequiredTraits = { TraitSet.Parse(RequiredTraits).Words },
            ForbiddenTraits = { TraitSet.Parse(ForbiddenTraits).Words },
            Placement = Packs ? Flavor.Types.Placement.Pack : Flavor.Types.Placement.Spread,
            CreateTime = CreateTime.ToTimestamp(),
            UpdateTime = UpdateTime.ToTimestamp(),
        };
        Platform.Names.Labels.Load(Labels, flavor.Labels);
        return flavor;
    }
}
