using Monolith.Agent.V1;
using Monolith.Api.V1;
using Monolith.Network.Addresses;
using Monolith.Network.FloatingAddresses;
using Monolith.Network.Ports;
using Monolith.Network.Translation;
using Monolith.Network.V1;
using Direction = Monolith.Network.V1.SecurityRule.Types.Direction;
using Stage = Monolith.Network.V1.Hop.Types.Stage;

namespace Monolith.Network.Reachability;

/// <summary>A port at one end of the way, as the rows know it. Immutable.</summary>
/// <param name="IsShown">The caller may see it.</param>
internal sealed record EndPort(PortRow Port, IReadOnlyList<JudgedGroup> Groups, bool IsShown)
{
    public string Hypervisor => Port.Hypervisor;

    /// <summary>How it is at this moment; null: its hypervisor does not say, and what it reported last is what is known.</summary>
    public PortSight? Sight { get; init; }

    /// <summary>For people.</summary>
    public string Words => Port.Owner.Length > 0 ? Port.Owner : Port.Name;
}

/// <summary>What an address is that no port has. Closed.</summary>
internal enum Elsewhere
{
    /// <summary>Of no pool.</summary>
    Outside,
    /// <summary>Of a pool, and nobody's.</summary>
    Nobodys,
    /// <summary>A load balancer's.</summary>
    LoadBalancer,
    /// <summary>A floating address that stands for nobody.</summary>
    Unattached,
    /// <summary>What servers of a hypervisor share outside of the cloud.</summary>
    WayOut,
}

/// <summary>All that the way of a packet depends on. Immutable.</summary>
/// <param name="Source">Null: it comes from what is no port.</param>
/// <param name="Destination">Null: it goes to what is no port.</param>
/// <param name="Other">What the end without a port is.</param>
/// <param name="OtherWords">Who holds it, or held it last; empty: nobody that the caller may know of.</param>
/// <param name="ShowsNodes">The caller may know of hypervisors.</param>
/// <param name="Sessions">BGP sessions of both hypervisors: established, down, and of which nothing is known.</param>
internal sealed record WalkFacts(Packet Packet, EndPort? Source, EndPort? Destination, Elsewhere Other, string OtherWords,
    IReadOnlyDictionary<string, (int Up, int Down, int Unknown)> Sessions, Func<string, Ip, bool> IsMember, bool ShowsNodes)
{
    /// <summary>The destination is this, which stands for its port; null: it is the port's own.</summary>
    public FloatingAddressRow? Floating { get; init; }

    /// <summary>Where a server runs is not a tenant's business.</summary>
    public string NodeOf(EndPort end) => ShowsNodes ? end.Hypervisor : "its hypervisor";
}

/// <summary>
/// Follows a packet:
/// <code>
///   source ─▶ egress rules ─▶ uplink ─▶ route ─▶ translation ─▶ destination ─▶ ingress rules ─▶ return route
///                              └── left out between guests of one hypervisor ──┘
///          └─▶ out of the cloud: translation ─▶ uplink ─▶ route
/// </code>
/// Pure. What hypervisors say now is believed, else what they reported last; what nobody said is not known.
/// </summary>
internal static class Walk
{
    public static IReadOnlyList<Hop> Of(WalkFacts facts)
    {
        var hops = new List<Hop>();
        var isLocal = facts.Source is { } s && facts.Destination is { } d && s.Hypervisor.Length > 0 && s.Hypervisor == d.Hypervisor;
        if (facts.Source is { } source)
        {
            hops.Add(End(source, Stage.Source, facts));
            hops.Add(Rules(source, Stage.EgressRules, Direction.Egress, facts));
            if (facts.Destination is null && facts.Other == Elsewhere.Outside && WayOut(source, facts) is { } known) hops.Add(known);
            if (!isLocal && Uplink(source, facts) is { } uplink) hops.Add(uplink);
        }
        if (facts.Destination is { } destination)
        {
            if (!isLocal) hops.Add(facts.Floating is { } f ? Route(f) : Route(destination, Stage.Route));
            if (facts.Floating is { } floating) hops.Add(Inwards(floating, destination));
            hops.Add(End(destination, Stage.Destination, facts));
            hops.Add(Rules(destination, Stage.IngressRules, Direction.Ingress, facts));
        }
        else hops.Add(NoPort(facts, Stage.Route));
        if (facts.Source is not null && !isLocal) hops.Add(Route(facts.Source, Stage.ReturnRoute));
        return hops;
    }

    /// <returns>What becomes of it in the end: the first place where it dies is all that counts.</returns>
    public static Verdict Verdict(IReadOnlyList<Hop> hops) =>
        hops.Any(h => h.Verdict == V1.Verdict.Drops) ? V1.Verdict.Drops
        : hops.Any(h => h.Verdict == V1.Verdict.Unknown) ? V1.Verdict.Unknown
        : V1.Verdict.Passes;

    static Hop End(EndPort end, Stage stage, WalkFacts facts)
    {
        if (!end.IsShown) return Unknown(stage, "", "NOT_YOURS", "It is somebody else's: whether its guest runs is not yours to see.");
        var resource = end.Port.Name;
        if (Seen(end, stage, facts) is { } seen) return seen;
        return end.Port.State switch
        {
            Port.Types.State.Active => Passes(stage, resource, $"The port of {end.Words} is in place on {facts.NodeOf(end)}."),
            Port.Types.State.Unbound => Drops(stage, resource, "PORT_UNBOUND",
                $"{end.Words} is on no hypervisor: it does not run. Start it."),
            Port.Types.State.Failed when Broken(end.Port, PortStates.Plugged) is { } plug => Drops(stage, resource, plug.Reason,
                $"Its hypervisor could not put the port in place: {plug.Message}"),
            Port.Types.State.Failed => Passes(stage, resource, $"The port of {end.Words} is in place on {facts.NodeOf(end)}."),
            _ when IsTrue(end.Port, PortStates.Plugged) => Drops(stage, resource, "GUEST_DOWN",
                $"The port is in place on {facts.NodeOf(end)}, and no running guest is behind it. See the conditions of {end.Words}."),
            _ => Drops(stage, resource, "PORT_PENDING", $"{facts.NodeOf(end)} was told of the port and has not reported it in place yet."),
        };
    }

    /// <summary>As kernel and guest show it now.</summary>
    static Hop? Seen(EndPort end, Stage stage, WalkFacts facts)
    {
        if (end.Sight is not { } sight) return null;
        var (port, node) = (end.Port.Name, facts.NodeOf(end));
        return sight switch
        {
            { Generation: 0 } => Drops(stage, port, "PORT_PENDING", $"{node} does not know of the port yet."),
            { Problem.Length: > 0 } => Drops(stage, port, "PORT_NOT_APPLIED", $"{node} could not put the port in place: {sight.Problem}"),
            { Tap: false } => Drops(stage, port, "TAP_MISSING", $"There is no tap for it on {node}; its agent makes it anew."),
            { Filtered: false } => Drops(stage, port, "FILTERS_MISSING",
                $"The kernel of {node} has not the rules that the port should have; its agent makes them anew. See `monolith fabric-breach list`."),
            { Carrier: false } => Drops(stage, port, "GUEST_DOWN",
                $"The port is in place on {node}, and no running guest is behind it. See the conditions of {end.Words}."),
            { HasAnswers: true, Answers: false } => Drops(stage, port, "GUEST_SILENT", $"A guest holds the port of {end.Words} on {node}, and "
                + "does not answer ARP: it boots, it hangs, or it has not configured its address. See its console."),
            _ when sight.Generation < (ulong)end.Port.SpecGeneration => Unknown(stage, port, "NOT_YET_TOLD",
                $"{node} was not told of the last change of the port yet. Ask again."),
            _ => Passes(stage, port, $"The port of {end.Words} is in place on {node}"
                + (sight.Answers ? ", and its guest answers" : "") + ": seen just now."),
        };
    }

    static Hop Rules(EndPort end, Stage stage, Direction direction, WalkFacts facts)
    {
        if (!end.IsShown)
            return Unknown(stage, "", "NOT_YOURS", "It is somebody else's: what it lets in is theirs to say.");
        var match = RuleMatch.Find(end.Groups, direction, facts.Packet, facts.IsMember);
        if (match is { Rule: 0 })
            return Passes(stage, "", "None of its security groups says what may go out, so everything may.");
        if (match is { } found)
            return Passes(stage, found.Group, $"Rule {found.Rule} of {found.Group} lets {facts.Packet} through.");
        var (way, other) = direction == Direction.Egress ? ("out to", facts.Packet.Destination) : ("in from", facts.Packet.Source);
        return Drops(stage, end.Port.Name, direction == Direction.Egress ? "NO_EGRESS_RULE" : "NO_INGRESS_RULE",
            end.Groups.Count == 0
                ? $"The port has no security group, so nothing comes in. Give it one that lets {facts.Packet} {way} {other}."
                : $"No rule of {string.Join(", ", end.Groups.Select(g => g.Name))} lets {facts.Packet} {way} {other}. Add one.");
    }

    static Hop? Uplink(EndPort source, WalkFacts facts)
    {
        if (source.Sight is { Carrier: true, Way.Length: 0 })
            return Drops(Stage.Uplink, facts.ShowsNodes ? source.Hypervisor : "", "NO_ROUTE",
                $"The kernel of {facts.NodeOf(source)} has no route to {facts.Packet.Destination}.");
        if (source.Hypervisor.Length == 0 || !facts.Sessions.TryGetValue(source.Hypervisor, out var sessions)) return null;
        var resource = facts.ShowsNodes ? source.Hypervisor : "";
        return sessions switch
        {
            { Up: 0, Unknown: 0 } => Drops(Stage.Uplink, resource, "NO_BGP_SESSION",
                $"All {sessions.Down} BGP sessions of {facts.NodeOf(source)} are down: see `monolith fabric-peer list`."),
            { Up: 0 } => Unknown(Stage.Uplink, resource, "NODE_SILENT", $"{facts.NodeOf(source)} has said nothing of its BGP sessions for a while."),
            { Down: > 0 } => Passes(Stage.Uplink, resource,
                $"{sessions.Up} BGP sessions of {facts.NodeOf(source)} are established; {sessions.Down} are down."),
            _ => Passes(Stage.Uplink, resource, $"{sessions.Up} BGP sessions of {facts.NodeOf(source)} are established."),
        };
    }

    static Hop Route(EndPort end, Stage stage)
    {
        var resource = end.IsShown ? end.Port.Name : "";
        if (end.Sight is { AnnouncedPeers: > 0 } sight)
            return Passes(stage, resource, $"The fabric has its routes: {sight.AnnouncedPeers} BGP sessions announce them now.");
        if (end.Sight is { Generation: > 0 })
            return Drops(stage, resource, "NOT_ANNOUNCED", end.Sight.Carrier
                ? "No BGP session of its hypervisor announces its routes now: see `monolith fabric-peer list`."
                : "Its routes are not in the fabric: its guest does not run.");
        if (IsTrue(end.Port, PortStates.Announced)) return Passes(stage, resource, "The fabric has its routes.");
        var broken = Broken(end.Port, PortStates.Announced);
        return Drops(stage, resource, end.IsShown && broken is { Reason.Length: > 0 } ? broken.Reason : "NOT_ANNOUNCED",
            end.IsShown && broken is { Message.Length: > 0 }
                ? $"Its routes are not in the fabric: {broken.Message}"
                : "Its routes are not in the fabric: its guest does not run, or its hypervisor has not announced it yet.");
    }

    static Hop Route(FloatingAddressRow floating) => floating.State switch
    {
        FloatingAddress.Types.State.Active => Passes(Stage.Route, floating.Name, $"The fabric has the route to {floating.Address}."),
        _ => Drops(Stage.Route, floating.Name, "NOT_ANNOUNCED", $"The route to {floating.Address} is not in the fabric: the guest behind "
            + "it does not run, or its hypervisor has not announced it yet."),
    };

    static Hop Inwards(FloatingAddressRow floating, EndPort end) => end.IsShown && Ip.TryParse(floating.Address, out var external)
        ? Passes(Stage.Translation, floating.Name, $"{floating.Address} stands for {Attachments.InternalOf(end.Port, external)} of {end.Words}.")
        : Passes(Stage.Translation, "", $"{floating.Address} stands for somebody else's server.");

    /// <summary>What the source is known by outside; null: itself.</summary>
    static Hop? WayOut(EndPort source, WalkFacts facts)
    {
        if (!source.IsShown) return null;
        var own = facts.Packet.Source.ToString();
        var stands = Translations.Of(source.Port, source.Hypervisor).FirstOrDefault(t => t.Internal == own);
        if (stands is { Inbound: true })
            return Passes(Stage.Translation, source.Port.Name, $"Outside of the cloud {own} is known as {stands.External}, its floating address.");
        if (stands is not null)
            return Passes(Stage.Translation, source.Port.Name,
                $"Outside of the cloud {own} is known as {stands.External}, which the servers of {facts.NodeOf(source)} share.");
        return source.Port.NatPool.Length == 0 || source.Hypervisor.Length == 0 ? null : Unknown(Stage.Translation, source.Port.Name,
            "NO_NAT_ADDRESS", $"{source.Port.NatPool} had no address left for its hypervisor, and so {own} goes out as it is. "
                + "Have the operators add a prefix to the pool.");
    }

    static Hop NoPort(WalkFacts facts, Stage stage) => facts.Other switch
    {
        Elsewhere.Nobodys => Drops(stage, "", "NOBODYS_ADDRESS",
            $"{facts.Packet.Destination} is an address of this cloud that nobody holds."
            + (facts.OtherWords.Length > 0 ? $" {facts.OtherWords}" : "")),
        Elsewhere.Unattached => Drops(stage, facts.OtherWords, "UNATTACHED",
            $"{facts.Packet.Destination} is a floating address that stands for no server. Attach it to one."),
        Elsewhere.WayOut => Drops(stage, "", "WAY_OUT_ONLY",
            $"{facts.Packet.Destination} is what servers are known by outside of the cloud, and nobody comes in by it."),
        Elsewhere.LoadBalancer => Unknown(stage, facts.OtherWords, "LOAD_BALANCER",
            $"{facts.Packet.Destination} is a load balancer's: see its listeners and members."),
        _ => Unknown(stage, "", "OUTSIDE", $"{facts.Packet.Destination} is outside of this cloud: what is behind the ToRs is not known here."),
    };

    static bool IsTrue(PortRow port, string type) =>
        port.Conditions.Any(c => c.Type == type && c.Status == Condition.Types.Status.True);

    static Condition? Broken(PortRow port, string type) =>
        port.Conditions.FirstOrDefault(c => c.Type == type && c.Status == Condition.Types.Status.False);

    static Hop Passes(Stage stage, string resource, string message) => Make(stage, V1.Verdict.Passes, resource, "", message);

    static Hop Drops(Stage stage, string resource, string reason, string message) =>
        Make(stage, V1.Verdict.Drops, resource, reason, message);

    static Hop Unknown(Stage stage, string resource, string reason, string message) =>
        Make(stage, V1.Verdict.Unknown, resource, reason, message);

    static Hop Make(Stage stage, Verdict verdict, string resource, string reason, string message) =>
        new() { Stage = stage, Verdict = verdict, Resource = resource, Reason = reason, Message = message };
}
