using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Network.Addresses;
using Monolith.Network.Fabric;
using Monolith.Network.FloatingAddresses;
using Monolith.Network.Ports;
using Monolith.Network.SecurityGroups;
using Monolith.Network.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;
using Protocol = Monolith.Network.V1.SecurityRule.Types.Protocol;

namespace Monolith.Network.Reachability;

/// <summary>Reads what <see cref="Walk"/> follows a packet through: from rows, and from the ends' hypervisors.</summary>
internal sealed class ReachabilityService(Store<NetworkDb> store, PortLooks looks) : V1.ReachabilityService.ReachabilityServiceBase
{
    const int EchoRequest = 8, EchoRequest6 = 128;

    /// <summary>An end as it is asked for.</summary>
    /// <param name="Address">Null: a port's, or an owner's, by its name.</param>
    sealed record Asked(string Text, Ip? Address);

    /// <summary>An end as it was found.</summary>
    /// <param name="Port">Null: no port has the address.</param>
    /// <param name="Floating">The address is one that stands for another, or for none.</param>
    sealed record Found(PortRow? Port, IReadOnlyList<Ip> Addresses, FloatingAddressRow? Floating = null);

    public override async Task<ExplainReachabilityResponse> ExplainReachability(ExplainReachabilityRequest request,
        ServerCallContext context)
    {
        var (caller, violations) = (context.GetCall().Caller, new Violations());
        ResourceName.Parse("projects/*", request.Parent, "parent", violations);
        var (source, destination) = (Read(request.Source, "source", violations), Read(request.Destination, "destination", violations));
        var protocol = ProtocolOf(request, violations);
        violations.Require(request.IpVersion is 0 or 4 or 6, "ip_version", "must be 4 or 6");
        if (source is { Address: { } a } && destination is { Address: { } b })
            violations.Require(a.Family == b.Family, "destination", "must be of the source's IP version");
        violations.ThrowIfAny();
        var facts = await store.ReadAsync(async db =>
        {
            bool IsShown(string project) => caller.May("network.ports.get", project);
            var (from, to) = (await FindAsync(db, source!, IsShown), await FindAsync(db, destination!, IsShown));
            // Who sends is known to rules by its own address, by whatever name it was asked for.
            if (from is { Floating: not null, Port: { } sender })
                from = new(sender, [Ip.Parse(Attachments.InternalOf(sender, from.Addresses[0])!)]);
            if (from.Port is null && to.Port is null)
                throw Fault.Invalid("source", "one end at least must be a port of this cloud");
            var parent = ResourceName.LastId(request.Parent);
            if (from.Port?.Project != parent && to.Port?.Project != parent)
                throw Fault.Invalid("parent", "must be the project of one of the ends");
            var packet = PacketOf(request, protocol, from, to);
            return await FactsAsync(db, caller, packet, from, to, IsShown);
        });
        return Answer(facts.Packet, Walk.Of(await LookAsync(facts, context.CancellationToken)));
    }

    /// <summary>With how the ends are at this moment, as far as their hypervisors say it.</summary>
    async Task<WalkFacts> LookAsync(WalkFacts facts, CancellationToken cancel)
    {
        Task<EndPort?> SeeAsync(EndPort? end, Ip peer) => end is { IsShown: true, Hypervisor.Length: > 0 }
            ? SeeShownAsync(end, peer)
            : Task.FromResult(end);
        async Task<EndPort?> SeeShownAsync(EndPort end, Ip peer) =>
            end with { Sight = await looks.AskAsync(end.Port.Node, end.Port.Uid, peer, cancel) };
        var ends = await Task.WhenAll(SeeAsync(facts.Source, facts.Packet.Destination),
            SeeAsync(facts.Destination, facts.Packet.Source));
        return facts with { Source = ends[0], Destination = ends[1] };
    }

    static ExplainReachabilityResponse Answer(Packet packet, IReadOnlyList<Hop> hops) => new()
    {
        Verdict = Walk.Verdict(hops),
        Hops = { hops },
        SourceAddress = packet.Source.ToString(),
        DestinationAddress = packet.Destination.ToString(),
    };

    static Asked? Read(string text, string field, Violations violations)
    {
        if (Ip.TryParse(text, out var ip)) return new(text, ip);
        return violations.Require(ResourceName.Match("projects/*/*/*", text) is not null, field,
            "must be a port, a server, or an address") ? new(text, null) : null;
    }

    static Protocol ProtocolOf(ExplainReachabilityRequest request, Violations violations)
    {
        var protocol = request.Protocol switch
        {
            Protocol.Unspecified => request.Port > 0 ? Protocol.Tcp : Protocol.Icmp,
            var said => said,
        };
        violations.Require(protocol is Protocol.Tcp or Protocol.Udp or Protocol.Icmp, "protocol", "must be TCP, UDP or ICMP");
        if (protocol == Protocol.Icmp) violations.Require(request.Port == 0, "port", "goes with TCP and UDP only");
        else violations.Require(request.Port is >= 1 and <= 65535, "port", "must be 1 to 65535");
        violations.Require(!request.HasIcmpType || (protocol == Protocol.Icmp && request.IcmpType is >= 0 and <= 255), "icmp_type",
            "must be 0 to 255, and goes with ICMP only");
        return protocol;
    }

    /// <exception cref="Fault">NOT_FOUND, as well for what is not the caller's to see.</exception>
    static async Task<Found> FindAsync(NetworkDb db, Asked asked, Func<string, bool> isShown)
    {
        if (asked.Address is { } address)
        {
            var key = address.Key;
            var holder = await db.Addresses.Where(x => x.Address == key).Select(x => (Guid?)x.HolderUid).FirstOrDefaultAsync();
            if (holder is null) return new(null, [address]);
            var floating = await db.FloatingAddresses.FirstOrDefaultAsync(f => f.Uid == holder);
            var uid = floating is null ? holder : floating.PortUid;
            return new(uid is null ? null : await db.Ports.FirstOrDefaultAsync(p => p.Uid == uid), [address], floating);
        }
        var port = await db.Ports.Where(p => p.Name == asked.Text || p.Owner == asked.Text)
            .OrderBy(p => p.OwnerIndex).FirstOrDefaultAsync();
        if (port is null || !isShown(port.Project)) throw Fault.NotFound(asked.Text);
        return new(port, [.. Words.Load(port.Addresses).Select(Ip.Parse)]);
    }


    static Packet PacketOf(ExplainReachabilityRequest request, Protocol protocol, Found from, Found to)
    {
        var both = from.Addresses.Select(x => x.Family).Intersect(to.Addresses.Select(x => x.Family)).Order().ToList();
        var family = request.IpVersion > 0 ? request.IpVersion : both.FirstOrDefault();
        if (!both.Contains(family))
            throw Fault.Invalid("ip_version", "both ends need an address of one IP version"
                + (both.Count > 0 ? $"; they have IPv{both[0]}" : ""));
        var icmp = request.HasIcmpType ? request.IcmpType : family == 4 ? EchoRequest : EchoRequest6;
        return new(from.Addresses.First(x => x.Family == family), to.Addresses.First(x => x.Family == family), protocol,
            request.Port, protocol == Protocol.Icmp ? icmp : 0);
    }

    static async Task<WalkFacts> FactsAsync(NetworkDb db, Caller caller, Packet packet, Found from, Found to,
        Func<string, bool> isShown)
    {
        var (source, destination) = (await EndAsync(db, from.Port, isShown), await EndAsync(db, to.Port, isShown));
        var members = await MembersAsync(db, [source, destination]);
        var sets = await SetsAsync(db, [source, destination]);
        var (other, words) = to.Port is null ? await ElsewhereAsync(db, packet.Destination, isShown) : (Elsewhere.Outside, "");
        return new(packet, source, destination, other, words, await SessionsAsync(db, [source, destination]),
            (named, ip) => (members.TryGetValue(named, out var group) && group.Contains(ip.Key))
                || (sets.TryGetValue(named, out var set) && set.Exists(p => p.Contains(ip))),
            caller.May("compute.hypervisors.get", null))
        { Floating = to.Floating };
    }

    static async Task<EndPort?> EndAsync(NetworkDb db, PortRow? port, Func<string, bool> isShown)
    {
        if (port is null) return null;
        var groups = await db.PortGroups.Where(g => g.PortUid == port.Uid)
            .Join(db.SecurityGroups, g => g.GroupUid, g => g.Uid, (_, g) => g).OrderBy(g => g.Name).AsNoTracking().ToListAsync();
        return new(port, groups.ConvertAll(g => new JudgedGroup(g.Name, g.Rules)), isShown(port.Project));
    }

    /// <summary>By the names of groups that rules name.</summary>
    static async Task<Dictionary<string, HashSet<string>>> MembersAsync(NetworkDb db, IEnumerable<EndPort?> ends)
    {
        var named = ends.OfType<EndPort>().SelectMany(e => e.Groups).SelectMany(g => g.Rules)
            .Where(r => r.RemoteCase == SecurityRule.RemoteOneofCase.RemoteGroup).Select(r => r.RemoteGroup).Distinct().ToList();
        var members = new Dictionary<string, HashSet<string>>(StringComparer.Ordinal);
        foreach (var group in await db.SecurityGroups.Where(g => named.Contains(g.Name)).Select(g => new { g.Name, g.Uid }).ToListAsync())
            members[group.Name] = [.. await PortQueries.Members(db, group.Uid)];
        return members;
    }

    /// <summary>By the names of address sets that rules name.</summary>
    static async Task<Dictionary<string, List<Cidr>>> SetsAsync(NetworkDb db, IEnumerable<EndPort?> ends)
    {
        var named = ends.OfType<EndPort>().SelectMany(e => e.Groups).SelectMany(g => g.Rules)
            .Where(r => r.RemoteCase == SecurityRule.RemoteOneofCase.RemoteAddressSet).Select(r => r.RemoteAddressSet).Distinct().ToList();
        return (await db.AddressSets.Where(s => named.Contains(s.Name)).Select(s => new { s.Name, s.Prefixes }).ToListAsync())
            .ToDictionary(s => s.Name, s => Words.Load(s.Prefixes)
                .Select(p => Cidr.TryParse(p, out var prefix, out _) ? prefix : default).ToList(), StringComparer.Ordinal);
    }

    static async Task<Dictionary<string, (int, int, int)>> SessionsAsync(NetworkDb db, IEnumerable<EndPort?> ends)
    {
        var nodes = ends.OfType<EndPort>().Where(e => e.Hypervisor.Length > 0).Select(e => e.Port.Node).Distinct().ToList();
        var peers = await db.FabricPeers.Where(p => nodes.Contains(p.Node)).Select(p => new { p.Node, p.State }).ToListAsync();
        return peers.GroupBy(p => "hypervisors/" + p.Node, StringComparer.Ordinal).ToDictionary(g => g.Key, g => (
            g.Count(p => p.State == FabricPeer.Types.State.Established), g.Count(p => p.State == FabricPeer.Types.State.Down),
            g.Count(p => p.State == FabricPeer.Types.State.Unknown)), StringComparer.Ordinal);
    }

    static async Task<(Elsewhere, string)> ElsewhereAsync(NetworkDb db, Ip address, Func<string, bool> isShown)
    {
        var (key, text) = (address.Key, address.ToString());
        if (await db.FloatingAddresses.FirstOrDefaultAsync(f => f.Address == text) is { } floating)
            return (Elsewhere.Unattached, isShown(floating.Project) ? floating.Name : "");
        if (await db.Addresses.FirstOrDefaultAsync(x => x.Address == key) is { } held)
            return held.Owner.StartsWith("hypervisors/", StringComparison.Ordinal) ? (Elsewhere.WayOut, "") : (Elsewhere.LoadBalancer, isShown(held.Project) ? held.Owner : "");
        var pools = await db.AddressPools.AsNoTracking().ToListAsync();
        if (!pools.Exists(p => p.Cidrs.Any(c => c.Contains(address)))) return (Elsewhere.Outside, "");
        var past = await db.PastAddresses.Where(x => x.Address == key).OrderByDescending(x => x.Until).FirstOrDefaultAsync();
        return (Elsewhere.Nobodys, past is not null && isShown(ResourceName.ProjectOf(past.Owner) ?? "")
            ? $"It was {past.Owner}'s until {past.Until:yyyy-MM-dd HH:mm:ss} UTC." : "");
    }
}
