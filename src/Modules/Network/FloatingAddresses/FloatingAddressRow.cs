using Google.Protobuf.WellKnownTypes;
using Monolith.Network.V1;
using Monolith.Platform.Storage;
using State = Monolith.Network.V1.FloatingAddress.Types.State;

namespace Monolith.Network.FloatingAddresses;

/// <summary>An address that stands for one of a port. The book says that it is held; this says for whom it stands.</summary>
internal sealed class FloatingAddressRow : ResourceRow
{
    /// <summary>The pool's name. Immutable.</summary>
    public required string AddressPool { get; init; }

    /// <summary>Canonical text. Immutable.</summary>
    public required string Address { get; init; }

    /// <summary>Null: it stands for nobody.</summary>
    public Guid? PortUid { get; set; }

    /// <summary>The port's name, and the name of what owns it; empty: none.</summary>
    public string Port { get; set; } = "";

    public string Owner { get; set; } = "";

    public State State { get; set; } = State.Unattached;

    public FloatingAddress ToProto()
    {
        var address = new FloatingAddress
        {
            Name = Name,
            Uid = Uid.ToString(),
            Etag = Etag,
            AddressPool = AddressPool,
            Address = Address,
            Port = Port,
            Owner = Owner,
            State = State,
            CreateTime = CreateTime.ToTimestamp(),
            UpdateTime = UpdateTime.ToTimestamp(),
        };
        Platform.Names.Labels.Load(Labels, address.Labels);
        return address;
    }
}
