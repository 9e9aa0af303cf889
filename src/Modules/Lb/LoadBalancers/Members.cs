using Monolith.Agent.V1;
using Monolith.Lb.Nodes;
using Monolith.Lb.V1;

namespace Monolith.Lb.LoadBalancers;

/// <summary>From what users say to what nodes are told, and back.</summary>
internal static class Members
{
    const int DefaultIntervalMilliseconds = 1000;

    /// <summary>What a node is to serve. Members that have no address yet are left out.</summary>
    public static LoadBalancerSpec Spec(LoadBalancerRow row)
    {
        var body = LoadBalancer.Parser.ParseFrom(row.Body);
        var targets = row.TargetAddresses;
        var spec = new LoadBalancerSpec
        {
            Id = row.Uid.ToString(),
            Generation = (ulong)row.SpecGeneration,
            Addresses = { row.Address },
        };
        foreach (var listener in body.Listeners)
            spec.Listeners.Add(new ListenerSpec
            {
                Id = listener.Id,
                Protocol = listener.Protocol == Listener.Types.Protocol.Http ? "http" : "tcp",
                Port = listener.Port,
                Pool = listener.Pool,
            });
        foreach (var pool in body.Pools)
        {
            var made = new PoolSpec
            {
                Id = pool.Id,
                Algorithm = pool.Algorithm switch
                {
                    Pool.Types.Algorithm.LeastConnections => "leastconn",
                    Pool.Types.Algorithm.Source => "source",
                    _ => "roundrobin",
                },
                HealthPath = pool.HealthCheck.HttpPath,
                HealthIntervalMilliseconds = pool.HealthCheck.Interval is { } interval
                    ? (int)interval.ToTimeSpan().TotalMilliseconds
                    : DefaultIntervalMilliseconds,
                HealthRise = pool.HealthCheck.Rise,
                HealthFall = pool.HealthCheck.Fall,
            };
            foreach (var member in pool.Members)
                if (AddressOf(member, targets) is { Length: > 0 } address)
                    made.Members.Add(new MemberSpec
                    {
                        Id = member.Id,
                        Address = address,
                        Port = member.Port,
                        Weight = member.Weight,
                        Drain = member.Drain,
                    });
            spec.Pools.Add(made);
        }
        return spec;
    }

    /// <summary>Every member as each node sees it; one without an address as nobody does.</summary>
    public static IEnumerable<MemberStatus> Statuses(LoadBalancerRow row, LoadBalancer body,
        IReadOnlyList<StatusRow> statuses, IReadOnlyList<NodeRow> nodes)
    {
        var targets = row.TargetAddresses;
        var reports = statuses.Where(s => s.ReportDigest.Length > 0).OrderBy(s => s.Node, StringComparer.Ordinal)
            .Select(s => (s.Node, Up: nodes.Any(n => n.Id == s.Node && n.Connected),
                Facts: s.Status.Members.ToLookup(m => (m.Pool, m.Member)))).ToList();
        foreach (var pool in body.Pools)
            foreach (var member in pool.Members)
            {
                var made = new MemberStatus { Pool = pool.Id, Member = member.Id };
                if (AddressOf(member, targets).Length == 0)
                {
                    made.Health = MemberStatus.Types.Health.Unknown;
                    made.Message = $"{member.Server} has no address yet, or does not exist.";
                    yield return made;
                    continue;
                }
                foreach (var (node, up, facts) in reports)
                {
                    if (facts[(pool.Id, member.Id)].FirstOrDefault() is not { } fact) continue;
                    yield return new MemberStatus(made)
                    {
                        Node = "nodes/" + node,
                        Health = up ? Health(fact.Health) : MemberStatus.Types.Health.Unknown,
                        Message = up ? fact.Message : "The node is not connected.",
                    };
                }
            }
    }

    static string AddressOf(Member member, Dictionary<string, string> targets) =>
        member.TargetCase == Member.TargetOneofCase.Address ? member.Address
            : targets.GetValueOrDefault(member.Server, "");

    static MemberStatus.Types.Health Health(string word) => word switch
    {
        "up" => MemberStatus.Types.Health.Up,
        "down" => MemberStatus.Types.Health.Down,
        "drain" => MemberStatus.Types.Health.Draining,
        _ => MemberStatus.Types.Health.Unknown,
    };
}
