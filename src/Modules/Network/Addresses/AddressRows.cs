namespace Monolith.Network.Addresses;

/// <summary>
/// Addresses of a pool that nobody holds. Ranges are disjoint from each other and from held addresses, and together with
/// these, and with those of its reservations, they are the pool.
/// </summary>
internal sealed class FreeRangeRow
{
    /// <summary>The moment of addresses that were never held, or long ago.</summary>
    public static readonly DateTime Always = new(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    /// <summary>Key of the last address; the primary key, since ranges are eaten from the front.</summary>
    public required string Last { get; init; }

    /// <summary>Key of the first address.</summary>
    public required string First { get; set; }

    /// <summary>The pool or, of what is reserved, the reservation.</summary>
    public Guid PoolUid { get; init; }

    /// <summary>4 or 6.</summary>
    public int Family { get; init; }

    /// <summary>UTC; not to be given out before: the quarantine of a released address.</summary>
    public DateTime FreeAfter { get; set; } = Always;
}

/// <summary>An address with an owner. The primary key is what makes a second owner impossible. Immutable.</summary>
internal sealed class AddressRow
{
    /// <summary><see cref="Ip.Key"/>.</summary>
    public required string Address { get; init; }

    public Guid PoolUid { get; init; }

    /// <summary>The reservation that it goes back to; null: it goes back to the pool.</summary>
    public Guid? ReservationUid { get; set; }

    /// <summary>The port or the load balancer.</summary>
    public Guid HolderUid { get; init; }

    /// <summary>A resource's name, for people: the port, or who it was claimed for.</summary>
    public required string Owner { get; init; }

    /// <summary>The id of the project that the owner lies in.</summary>
    public string Project { get; init; } = "";

    public DateTime From { get; init; }
}

/// <summary>How many addresses of a pool were held, once an hour. Immutable.</summary>
internal sealed class PoolSampleRow
{
    public Guid PoolUid { get; init; }

    /// <summary>The hour that it was seen in, UTC.</summary>
    public DateTime Time { get; init; }

    public long Used { get; init; }
}

/// <summary>Who held an address, and when. Immutable; who holds it now is in <see cref="AddressRow"/>.</summary>
internal sealed class PastAddressRow
{
    public long Id { get; init; }
    public required string Address { get; init; }
    public Guid HolderUid { get; init; }
    public required string Owner { get; init; }
    public DateTime From { get; init; }
    public DateTime Until { get; init; }
}

/// <summary>How many addresses of a pool are held. A row of its own, so that a claim does not change the pool.</summary>
internal sealed class PoolUsageRow
{
    public Guid PoolUid { get; init; }
    public long Used { get; set; }

    /// <summary>How many of them belong to reservations.</summary>
    public long UsedReserved { get; set; }
}
