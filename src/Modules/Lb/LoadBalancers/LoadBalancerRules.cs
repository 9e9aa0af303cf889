using System.Net;
using System.Net.Sockets;
using Google.Protobuf.WellKnownTypes;
using Monolith.Lb.V1;
using Monolith.Platform.Faults;
using Monolith.Platform.Names;

namespace Monolith.Lb.LoadBalancers;

/// <summary>What is wrong with listeners and pools, and what they are when all is well.</summary>
internal static class LoadBalancerRules
{
    const int MaxListeners = 32;
    const int MaxPools = 32;
    const int MaxMembers = 256;

    public static readonly string[] Changeable = ["display_name", "labels", "listeners", "pools"];

    /// <summary>Checks listeners and pools together, and fills defaults in.</summary>
    /// <param name="body">Only listeners and pools are looked at.</param>
    public static void CheckBody(LoadBalancer body, string project, Violations violations)
    {
        violations.Require(body.Listeners.Count <= MaxListeners, "load_balancer.listeners",
            $"must be at most {MaxListeners}");
        violations.Require(body.Pools.Count <= MaxPools, "load_balancer.pools", $"must be at most {MaxPools}");
        var pools = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < Math.Min(body.Pools.Count, MaxPools); i++)
        {
            var field = $"load_balancer.pools[{i}]";
            CheckPool(body.Pools[i], field, project, violations);
            violations.Require(pools.Add(body.Pools[i].Id), field + ".id", "is another pool's as well");
        }
        CheckListeners(body, pools, violations);
    }

    static void CheckListeners(LoadBalancer body, HashSet<string> pools, Violations violations)
    {
        var ids = new HashSet<string>(StringComparer.Ordinal);
        var ports = new HashSet<int>();
        var spoken = new Dictionary<string, Listener.Types.Protocol>(StringComparer.Ordinal);
        for (var i = 0; i < Math.Min(body.Listeners.Count, MaxListeners); i++)
        {
            var listener = body.Listeners[i];
            var field = $"load_balancer.listeners[{i}]";
            violations.Id(field + ".id", listener.Id);
            violations.Require(ids.Add(listener.Id), field + ".id", "is another listener's as well");
            var protocol = violations.Require(listener.Protocol is Listener.Types.Protocol.Http
                or Listener.Types.Protocol.Tcp, field + ".protocol", "must be PROTOCOL_HTTP or PROTOCOL_TCP");
            if (CheckPort(listener.Port, field + ".port", violations))
                violations.Require(ports.Add(listener.Port), field + ".port", "is another listener's as well");
            if (violations.Require(pools.Contains(listener.Pool), field + ".pool", listener.Pool.Length == 0
                ? "is required: the id of a pool"
                : $"there is no pool '{Short(listener.Pool)}' in this load balancer") && protocol)
                violations.Require(spoken.TryAdd(listener.Pool, listener.Protocol)
                    || spoken[listener.Pool] == listener.Protocol, field + ".pool",
                    $"pool '{listener.Pool}' already serves a listener of the other protocol; make a pool for each");
        }
    }

    static void CheckPool(Pool pool, string field, string project, Violations violations)
    {
        violations.Id(field + ".id", pool.Id);
        violations.Require(System.Enum.IsDefined(pool.Algorithm), field + ".algorithm", "is not one that there is");
        if (pool.Algorithm == Pool.Types.Algorithm.Unspecified) pool.Algorithm = Pool.Types.Algorithm.RoundRobin;
        pool.HealthCheck ??= new HealthCheck();
        CheckHealth(pool.HealthCheck, field + ".health_check", violations);
        violations.Require(pool.Members.Count <= MaxMembers, field + ".members", $"must be at most {MaxMembers}");
        var ids = pool.Members.Select(m => m.Id).Where(id => id.Length > 0).ToHashSet(StringComparer.Ordinal);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < Math.Min(pool.Members.Count, MaxMembers); i++)
        {
            var member = pool.Members[i];
            var at = $"{field}.members[{i}]";
            var whole = CheckTarget(member, at, project, violations);
            CheckPort(member.Port, at + ".port", violations);
            if (!member.HasWeight) member.Weight = 100;
            violations.Require(member.Weight is >= 0 and <= 256, at + ".weight", "must be 0 to 256");
            if (member.Id.Length == 0 && whole) member.Id = DefaultId(member, ids);
            if (member.Id.Length == 0) continue;
            violations.Id(at + ".id", member.Id);
            violations.Require(seen.Add(member.Id), at + ".id", "is another member's as well");
        }
    }

    static void CheckHealth(HealthCheck check, string field, Violations violations)
    {
        violations.Require(check.HttpPath.Length == 0 || check.HttpPath is ['/', ..] && check.HttpPath.Length <= 255
            && check.HttpPath.All(c => c is > ' ' and <= '~' and not ('"' or '\'' or '\\' or '#')), field + ".http_path",
            "must begin with '/' and have at most 255 printable characters without spaces, quotes, '\\' and '#'");
        check.Interval ??= Duration.FromTimeSpan(TimeSpan.FromSeconds(1));
        // Seconds first: a duration out of range must not reach the conversion.
        violations.Require(check.Interval.Seconds is >= 0 and <= 3600 && check.Interval.Nanos is >= 0 and < 1_000_000_000
            && check.Interval.ToTimeSpan() >= TimeSpan.FromMilliseconds(100), field + ".interval",
            "must be 0.1 s to 3600 s");
        if (check.Rise == 0) check.Rise = 2;
        if (check.Fall == 0) check.Fall = 3;
        violations.Require(check.Rise is >= 1 and <= 100, field + ".rise", "must be 1 to 100");
        violations.Require(check.Fall is >= 1 and <= 100, field + ".fall", "must be 1 to 100");
    }

    static bool CheckTarget(Member member, string field, string project, Violations violations)
    {
        switch (member.TargetCase)
        {
            case Member.TargetOneofCase.Server:
                return violations.Require(ResourceName.Match("projects/*/servers/*", member.Server) is [var p, var id]
                    && p == project && Violations.IsId(id), field + ".server",
                    $"must be a server of this project: projects/{project}/servers/…");
            case Member.TargetOneofCase.Address:
                if (!violations.Require(IPAddress.TryParse(member.Address, out var address) && IsReachable(address)
                    && !member.Address.Contains('%') && !member.Address.Contains('['), field + ".address",
                    "must be an IPv4 or IPv6 address of a machine; loopback, link-local and multicast ones are none"))
                    return false;
                member.Address = address!.ToString();
                return true;
            default:
                violations.Add(field, "needs a target: server or address");
                return false;
        }
    }

    // What an LB node would reach at these is itself or its neighbours, the metadata service among them.
    static bool IsReachable(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        if (IPAddress.IsLoopback(address) || address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any))
            return false;
        if (address.AddressFamily == AddressFamily.InterNetworkV6)
            return !address.IsIPv6LinkLocal && !address.IsIPv6Multicast;
        var octets = address.GetAddressBytes();
        return octets[0] is > 0 and < 224 and not 127 && !(octets[0] == 169 && octets[1] == 254);
    }

    static bool CheckPort(int port, string field, Violations violations) =>
        violations.Require(port is >= 1 and <= 65_535, field, "must be 1 to 65535");

    /// <summary>Made from the target; with the port when one target is there twice.</summary>
    static string DefaultId(Member member, HashSet<string> ids)
    {
        var made = member.TargetCase == Member.TargetOneofCase.Server
            ? ResourceName.LastId(member.Server)
            : "a-" + member.Address.Replace('.', '-').Replace("::", "-0-").Replace(':', '-').TrimEnd('-');
        if (ids.Add(made)) return made;
        var tail = $"-{member.Port}";
        made = made[..Math.Min(made.Length, 63 - tail.Length)] + tail;
        ids.Add(made);
        return made;
    }

    static string Short(string text) => text.Length > 64 ? text[..64] + "…" : text;
}
