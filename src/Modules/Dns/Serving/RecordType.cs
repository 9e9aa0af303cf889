namespace Monolith.Dns.Serving;

/// <summary>Numbers of record types (IANA) as the wire has them.</summary>
internal static class RecordType
{
    public const ushort A = 1;
    public const ushort NS = 2;
    public const ushort CNAME = 5;
    public const ushort SOA = 6;
    public const ushort PTR = 12;
    public const ushort HINFO = 13;
    public const ushort MX = 15;
    public const ushort TXT = 16;
    public const ushort AAAA = 28;
    public const ushort SRV = 33;
    public const ushort OPT = 41;
    public const ushort DS = 43;
    public const ushort IXFR = 251;
    public const ushort AXFR = 252;
    public const ushort ANY = 255;
    public const ushort CAA = 257;

    /// <summary>The types of record sets that people may make, by their names.</summary>
    public static readonly IReadOnlyDictionary<string, ushort> Known = new Dictionary<string, ushort>(StringComparer.Ordinal)
    {
        ["A"] = A,
        ["AAAA"] = AAAA,
        ["CNAME"] = CNAME,
        ["MX"] = MX,
        ["NS"] = NS,
        ["PTR"] = PTR,
        ["SRV"] = SRV,
        ["TXT"] = TXT,
        ["CAA"] = CAA,
    };

    /// <summary>Types that ask for something other than data: 128 to 255, and OPT.</summary>
    public static bool IsMeta(ushort type) => type is (>= 128 and <= 255) or OPT or 0;
}

/// <summary>RCODEs (RFC 1035, 4.1.1; RFC 6891).</summary>
internal enum ResponseCode
{
    NoError = 0,
    FormatError = 1,
    ServerFailure = 2,
    NameError = 3,
    NotImplemented = 4,
    Refused = 5,
    BadVersion = 16,
}
