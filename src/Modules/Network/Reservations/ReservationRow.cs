using Google.Protobuf.WellKnownTypes;
using Monolith.Network.Addresses;
using Monolith.Network.V1;
using Monolith.Platform.Storage;

namespace Monolith.Network.Reservations;

/// <summary>
/// Addresses of a pool that are kept for somebody. It is a space of its own inside of the pool: what is free of it is in
/// <see cref="FreeRangeRow"/> by its uid, so that a claim from the pool cannot meet it. The project is the one that may
/// choose from it; empty: nobody.
/// </summary>
internal sealed class ReservationRow : ResourceRow
{
    /// <summary>Immutable.</summary>
    public Guid PoolUid { get; init; }

    /// <summary><see cref="Ip.Key"/> of the first address. Immutable.</summary>
    public required string First { get; init; }

    /// <summary>Of the last. Immutable.</summary>
    public required string Last { get; init; }

    /// <summary>As it was asked for. Immutable.</summary>
    public required string Addresses { get; init; }

    /// <summary>Immutable.</summary>
    public string Note { get; init; } = "";

    public IpRange Range => new(Ip.OfKey(First), Ip.OfKey(Last));

    /// <summary>What is said to somebody else who wants it.</summary>
    public string For => Project.Length > 0 ? "projects/" + Project : Note.Length > 0 ? Note : "somebody else";

    public Reservation ToProto()
    {
        var reservation = new Reservation
        {
            Name = Name,
            Uid = Uid.ToString(),
            Etag = Etag,
            Addresses = Addresses,
            Owner = Project.Length > 0 ? "projects/" + Project : "",
            Note = Note,
            CreateTime = CreateTime.ToTimestamp(),
        };
        Platform.Names.Labels.Load(Labels, reservation.Labels);
        return reservation;
    }
}
