using Monolith.Agent.Network;

namespace Monolith.Agent.Tests.Network.Reach;

/// <summary>What a first packet asks for: a port of TCP or UDP, or a type of ICMP or ICMPv6.</summary>
internal readonly record struct Service(RuleProtocol Protocol, int Number)
{
    /// <summary>The one that every guest's rules let through, in both directions; it says that a path has been walked.</summary>
    public static readonly Service Sentinel = new(RuleProtocol.Udp, 65000);

    public bool IsIcmp => Protocol is RuleProtocol.Icmp or RuleProtocol.IcmpV6;

    /// <summary>
    /// Whether it can be the first packet of anything. An answer without a question and an error about nothing cannot.
    /// </summary>
    public bool Opens => Protocol switch
    {
        RuleProtocol.Icmp => Number is 8 or 13,
        RuleProtocol.IcmpV6 => Number is 128,
        _ => true,
    };

    /// <summary>The type that answers a question, of ICMP and ICMPv6.</summary>
    public byte Answer => (byte)(Protocol == RuleProtocol.Icmp ? (Number == 8 ? 0 : 14) : 129);

    public override string ToString() => $"{Protocol} {Number}";
}
