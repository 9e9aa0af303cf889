using System.Net;
using System.Net.Sockets;

namespace Monolith.Agent.Network;

/// <summary>
/// What one server's port must be on this hypervisor. Immutable; a change is another plan for the same id.
/// </summary>
public sealed record PortPlan
{
    /// <summary>The control plane's id: 1-64 of letters, digits, '-' and '_'.</summary>
    public required string PortId { get; init; }

    /// <summary>The guest's Ethernet address.</summary>
    public required MacAddress Mac { get; init; }

    /// <summary>Addresses that this port alone may use; each is a /32 or /128 route to the tap.</summary>
    public required IReadOnlyList<IPAddress> Addresses { get; init; }

    /// <summary>
    /// Name of the tap, as <see cref="TapName.Of"/> makes it: the data plane's prefix, at most 15 bytes.
    /// </summary>
    public required string TapName { get; init; }

    /// <summary>
    /// Whether its addresses are routed to it while a guest holds its tap. False: who holds it has no guest, and the
    /// addresses are elsewhere.
    /// </summary>
    public bool Routed { get; init; } = true;

    /// <summary>Bytes of IP packet that the guest may send at once, 1280-65521.</summary>
    public int Mtu { get; init; } = 1500;

    /// <summary>Stateful allow rules of both directions. A direction without a rule is closed.</summary>
    public IReadOnlyList<RuleSpec> Rules { get; init; } = [];

    /// <summary>Who may open the tap (TUNSETOWNER): the user that the guest's QEMU runs as.</summary>
    public uint OwnerUid { get; init; }

    public uint OwnerGid { get; init; }

    /// <summary>Resolvers for the guest, of either family; DHCP and router advertisements carry them.</summary>
    public IReadOnlyList<IPAddress> DnsServers { get; init; } = [];

    /// <summary>Name without a domain (DHCP option 12); empty gives none.</summary>
    public string Hostname { get; init; } = "";

    /// <summary>Domain of the name (DHCP option 15); empty gives none.</summary>
    public string Domain { get; init; } = "";

    /// <summary>Prefixes that the guest may send from beside its own addresses. They are not routed to it.</summary>
    public IReadOnlyList<IPNetwork> AllowedPrefixes { get; init; } = [];

    /// <summary>Addresses under which it is known outside of the cloud; at most one of a family that is shared.</summary>
    public IReadOnlyList<AddressTranslation> Translations { get; init; } = [];

    /// <summary>
    /// Destinations to which it speaks with its own addresses whatever the translations say. All plans of a machine count
    /// together: they are the cloud's.
    /// </summary>
    public IReadOnlyList<IPNetwork> UntranslatedPrefixes { get; init; } = [];

    /// <summary>
    /// Prefixes that stand for its addresses beyond the fabric, which keeps the addresses themselves to itself. All plans of a
    /// machine count together.
    /// </summary>
    public IReadOnlyList<IPNetwork> Aggregates { get; init; } = [];

    /// <summary>Bits per second that the guest may send; 0 is no limit. What is more is dropped.</summary>
    public long EgressRate { get; init; }

    /// <summary>Bits per second that the guest may be sent; 0 is no limit. What is more is dropped.</summary>
    public long IngressRate { get; init; }

    /// <summary>What is led to its tap: its addresses, and those that stand for them one to one.</summary>
    public IEnumerable<IPAddress> Routable => Addresses.Concat(Translations.Where(t => t.Inbound).Select(t => t.External));

    /// <summary>The IPv4 address that DHCP leases: the first of that family.</summary>
    public IPAddress? Ipv4 => Addresses.FirstOrDefault(a => a.AddressFamily == AddressFamily.InterNetwork);
}

public enum RuleDirection
{
    /// <summary>Towards the guest; the remote is the source.</summary>
    Ingress,

    /// <summary>From the guest; the remote is the destination.</summary>
    Egress,
}

public enum RuleProtocol
{
    Any,
    Tcp,
    Udp,
    Icmp,
    IcmpV6,
}

/// <summary>One allow rule of a security group.</summary>
/// <param name="PortMin">First destination port, TCP and UDP only; null is every port.</param>
/// <param name="PortMax">Last destination port; null is <paramref name="PortMin"/>.</param>
/// <param name="IcmpType">ICMP or ICMPv6 type; null is every type.</param>
/// <param name="RemotePrefix">Peers by prefix; null is everybody of both families.</param>
/// <param name="RemoteSetId">Peers by address set, instead of a prefix.</param>
/// <param name="IsPrefixSet">The set is one of prefixes, not of addresses.</param>
public sealed record RuleSpec(
    RuleDirection Direction,
    RuleProtocol Protocol = RuleProtocol.Any,
    int? PortMin = null,
    int? PortMax = null,
    int? IcmpType = null,
    IPNetwork? RemotePrefix = null,
    string? RemoteSetId = null,
    bool IsPrefixSet = false);

/// <summary>An address that stands for a guest's own towards the outside (RFC 3022).</summary>
/// <param name="External">Announced like the guest's own while the guest runs.</param>
/// <param name="Internal">One of the port's addresses, of the same family.</param>
/// <param name="Inbound">One to one: what is sent to it is the guest's. Else guests of the machine share it, and only answers
/// come in.</param>
public sealed record AddressTranslation(IPAddress External, IPAddress Internal, bool Inbound);

/// <summary>The addresses of a remote group. A set without members matches nobody.</summary>
/// <param name="SetId">1-64 of letters, digits, '-' and '_'.</param>
/// <param name="Addresses">Members of both families, whole list.</param>
/// <param name="Prefixes">Not null: it is a set of these prefixes, which may overlap, and has no addresses.</param>
public sealed record AddressSetPlan(
    string SetId, IReadOnlyCollection<IPAddress> Addresses, IReadOnlyCollection<IPNetwork>? Prefixes = null);

/// <summary>What the machine has for one port, read from the kernel.</summary>
public sealed record PortObservation
{
    /// <summary>
    /// The port's id; empty when a tap carries our prefix and no id (a crash right after its creation).
    /// </summary>
    public required string PortId { get; init; }

    public required string TapName { get; init; }

    /// <summary>Whether this process has been given a plan for it. False: a leftover, or not adopted yet.</summary>
    public bool Planned { get; init; }

    /// <summary>The tap is there.</summary>
    public bool Exists { get; init; }

    /// <summary>A guest holds the tap open and it is up.</summary>
    public bool Carrier { get; init; }

    /// <summary>Addresses that are routed to the tap now.</summary>
    public IReadOnlyList<IPAddress> Routed { get; init; } = [];

    /// <summary>
    /// Anti-spoofing and the planned rules are in the kernel. For a port without a plan: some rules are.
    /// </summary>
    public bool Filtered { get; init; }

    /// <summary>
    /// When the guest last took a lease or fetched metadata, UTC; null when not since the agent's start.
    /// </summary>
    public DateTimeOffset? Answered { get; init; }

    /// <summary>Why the last effort to make the port right failed; empty when it did not.</summary>
    public string Problem { get; init; } = "";
}

public enum DataPlaneChange
{
    CarrierUp,
    CarrierDown,
    Answered,
}

/// <summary>A hint that a port changed; what is true is in an observation.</summary>
public sealed record DataPlaneEvent(string PortId, string TapName, DataPlaneChange Change);
