using Monolith.Agent.Network;

namespace Monolith.Agent.Tests.Network.Reach;

/// <summary>
/// What groups mean, said a second time and without nftables: a packet leaves where its sender's rules let it, enters
/// where its receiver's do, and whoever saw a connection begin lets its answers through.
/// </summary>
internal static class Model
{
    /// <summary>Whether the first packet of something arrives.</summary>
    public static bool Arrives(World world, int from, int to, bool v6, Service service) =>
        Leaves(world, from, to, v6, service) && Enters(world, from, to, v6, service);

    public static bool Leaves(World world, int from, int to, bool v6, Service service) =>
        from == World.Outside || (service.Opens && (world.RulesOf(from).All(r => r.Direction != RuleDirection.Egress)
            || May(world, from, RuleDirection.Egress, to, v6, service)));

    public static bool Enters(World world, int from, int to, bool v6, Service service) =>
        to == World.Outside || (service.Opens && May(world, to, RuleDirection.Ingress, from, v6, service));

    /// <summary>
    /// Whether a packet in the other direction arrives after one that did not: as the first of its own, but that the hypervisor
    /// of who asked knows of the question when it let that out.
    /// </summary>
    public static bool UnaskedArrives(World world, int from, int to, bool v6, Service asked, Service back) =>
        Leaves(world, to, from, v6, back)
        && ((Apart(world, from, to) && from != World.Outside && Leaves(world, from, to, v6, asked))
            || Enters(world, to, from, v6, back));

    private static bool Apart(World world, int from, int to) =>
        from == World.Outside || to == World.Outside || world.HypervisorOf[from] != world.HypervisorOf[to];

    private static bool May(World world, int whose, RuleDirection direction, int peer, bool v6, Service service) =>
        service == Service.Sentinel
        || world.RulesOf(whose).Any(r => r.Direction == direction && IsFor(r, v6, service) && IsAbout(r, world, peer, v6));

    private static bool IsFor(RuleSpec rule, bool v6, Service service) => rule.Protocol switch
    {
        RuleProtocol.Any => true,
        RuleProtocol.Icmp => !v6 && service.Protocol == rule.Protocol && (rule.IcmpType ?? service.Number) == service.Number,
        RuleProtocol.IcmpV6 => v6 && service.Protocol == rule.Protocol && (rule.IcmpType ?? service.Number) == service.Number,
        _ => service.Protocol == rule.Protocol
            && (rule.PortMin is not { } first || (service.Number >= first && service.Number <= (rule.PortMax ?? first))),
    };

    private static bool IsAbout(RuleSpec rule, World world, int peer, bool v6) =>
        rule.RemotePrefix is { } prefix ? prefix.Contains(World.AddressOf(peer, v6))
        : rule.RemoteSetId is not { } set || Enumerable.Range(0, World.Groups).Any(
            g => World.SetOf(g) == set && world.IsMember(peer, g));
}
