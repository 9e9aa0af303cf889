using System.Globalization;
using Monolith.Network.V1;
using Outlook = Monolith.Network.V1.AddressPool.Types.Forecast.Types.Outlook;

namespace Monolith.Cli.Nouns;

/// <summary>Address pools with how full they are, and what is reserved of them.</summary>
internal static class PoolCommands
{
    public static Noun Noun => new("pool", Place.Cloud, AddressPoolService.Descriptor, AddressPool.Descriptor)
    {
        About = "Pools of addresses.",
        Aliases = ["pools", "address-pool", "address-pools"],
        Columns =
        [
            Column.Name, Column.Enum("PURPOSE", "purpose"), Column.Of("ZONE", "availability_zone"),
            Column.Reference("OWNER", "owner"), Column.Of("PREFIXES", "prefixes"),
            Column.Number("USED", "used_count"), Column.Number("RESERVED", "reserved_count"),
            Column.Number("QUARANTINED", "quarantined_count"), Column.Number("FREE", "free_count"),
            Column.Number("OF", "address_count"),
            new("FULL", (message, view) => message is AddressPool { Forecast: { } forecast } ? Full(forecast, view.Now) : ""),
            Column.Age,
        ],
        Fields =
        [
            new("--prefix", "prefixes", "A prefix in CIDR notation.")
            {
                Required = true, Mutable = true, Value = "CIDR",
            },
            new("--exclude", "exclusions", "An address, a prefix or FIRST-LAST that is never given out.")
            {
                Mutable = true, Value = "RANGE",
            },
            new("--purpose", "purpose", "What its addresses are for."),
            new("--availability-zone", "availability_zone", "Only for servers that ask for this zone. Default: for all.")
            {
                Value = "ZONE", Refers = () => Catalog.AvailabilityZone, Parse = Nouns.Fields.Zone,
            },
            new("--owner", "owner", "Only for this project. Default: for all.")
            {
                Value = "PROJECT", Refers = () => Catalog.Project,
            },
            new("--quarantine", "quarantine", "How long a released address is given to nobody: 10m, 0s. Default: the host's.")
            {
                Mutable = true, Value = "TIME",
            },
            new("--announcement", "announcement", "host-routes: each address is told beyond the fabric, the default. aggregate: the prefixes alone.")
            {
                Mutable = true,
            },
            Nouns.Fields.DisplayName, Nouns.Fields.Labels,
        ],
        Extra = (noun, app) => [PoolExchange.Export(noun, app), PoolExchange.Import(app)],
    };

    public static Noun Reservation => new(
        "reservation", Place.Pool, ReservationService.Descriptor, Monolith.Network.V1.Reservation.Descriptor)
    {
        About = "Addresses of pools that are kept for somebody.",
        Aliases = ["reservations"],
        Columns =
        [
            Column.Name, Column.Of("ADDRESSES", "addresses"), Column.Reference("FOR", "owner"), Column.Of("NOTE", "note"),
            Column.Age,
        ],
        Fields =
        [
            new("--addresses", "addresses", "An address, a prefix or FIRST-LAST. Default: the next free address.")
            {
                Value = "RANGE",
            },
            new("--owner", "owner", "The project whose ports may choose from it. Default: nobody's.")
            {
                Value = "PROJECT", Refers = () => Catalog.Project,
            },
            new("--note", "note", "What it is for."),
            Nouns.Fields.Labels,
        ],
    };

    /// <summary>When the pool would be full, in a word; <c>?</c>: nobody can say yet.</summary>
    static string Full(AddressPool.Types.Forecast forecast, DateTimeOffset now) => forecast.Outlook switch
    {
        Outlook.Full => "now",
        Outlook.NotEnoughHistory => "?",
        Outlook.Growing when forecast.FullTime is { } at =>
            $"in {((long)(at.ToDateTimeOffset() - now).TotalDays).ToString(CultureInfo.InvariantCulture)}d",
        Outlook.Growing => ">10y",
        Outlook.NotGrowing => "never",
        _ => "",
    };
}
