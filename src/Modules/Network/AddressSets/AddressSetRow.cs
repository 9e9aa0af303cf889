using Google.Protobuf.WellKnownTypes;
using Monolith.Network.V1;
using Monolith.Platform.Storage;

namespace Monolith.Network.AddressSets;

/// <summary>Prefixes that rules name together.</summary>
internal sealed class AddressSetRow : ResourceRow
{
    public const string Pattern = "projects/*/addressSets/*";

    /// <summary>CIDRs, as <see cref="Words"/>.</summary>
    public string Prefixes { get; set; } = "";

    /// <summary>Rises whenever they change.</summary>
    public long SetGeneration { get; set; } = 1;

    public AddressSet ToProto()
    {
        var set = new AddressSet
        {
            Name = Name,
            Uid = Uid.ToString(),
            Etag = Etag,
            DisplayName = DisplayName,
            Prefixes = { Words.Load(Prefixes) },
            CreateTime = CreateTime.ToTimestamp(),
            UpdateTime = UpdateTime.ToTimestamp(),
        };
        Platform.Names.Labels.Load(Labels, set.Labels);
        return set;
    }
}
