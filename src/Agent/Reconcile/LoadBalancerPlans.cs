using System.Net;
using Monolith.Agent.L7;
using Monolith.Agent.V1;

namespace Monolith.Agent.Reconcile;

/// <summary>Load balancers in the driver's words and back. Pure.</summary>
internal static class LoadBalancerPlans
{
    private const int DefaultRise = 2, DefaultFall = 3, DefaultIntervalMilliseconds = 2000;

    /// <exception cref="FormatException">A text is not what it should be; the message names it.</exception>
    public static LoadBalancerPlan Of(LoadBalancerSpec spec) => new(
        new LoadBalancerId(spec.Id),
        (long)Math.Min(spec.Generation, long.MaxValue),
        [.. spec.Addresses.Select(AddressOf)],
        [.. spec.Listeners.Select(l => new ListenerPlan(
            l.Port,
            l.Protocol switch
            {
                "http" => ListenerProtocol.Http,
                "tcp" => ListenerProtocol.Tcp,
                _ => throw new FormatException($"the protocol '{l.Protocol}' is neither http nor tcp"),
            },
            new PoolId(l.Pool)))],
        [.. spec.Pools.Select(PoolOf)]);

    public static MemberFact FactOf(MemberObservation member) => new()
    {
        Pool = member.Pool.Value,
        Member = member.Member.Value,
        Health = member.Health switch
        {
            MemberHealth.Up or MemberHealth.Unchecked => "up",
            MemberHealth.Down => "down",
            MemberHealth.Draining => "drain",
            _ => "unknown",
        },
        Message = member.Detail,
    };

    private static PoolPlan PoolOf(PoolSpec pool)
    {
        var milliseconds = pool.HealthIntervalMilliseconds > 0
            ? pool.HealthIntervalMilliseconds
            : DefaultIntervalMilliseconds;
        return new PoolPlan(
            new PoolId(pool.Id),
            pool.Algorithm switch
            {
                "" or "roundrobin" => BalanceAlgorithm.RoundRobin,
                "leastconn" => BalanceAlgorithm.LeastConnections,
                "source" => BalanceAlgorithm.SourceHash,
                _ => throw new FormatException(
                    $"the algorithm '{pool.Algorithm}' is not roundrobin, leastconn or source"),
            },
            new HealthCheck(
                HttpPath: pool.HealthPath.Length > 0 ? pool.HealthPath : null,
                IntervalMilliseconds: milliseconds,
                TimeoutMilliseconds: milliseconds,
                Rise: pool.HealthRise > 0 ? pool.HealthRise : DefaultRise,
                Fall: pool.HealthFall > 0 ? pool.HealthFall : DefaultFall),
            [.. pool.Members.Select(m => new MemberPlan(
                new MemberId(m.Id), AddressOf(m.Address), m.Port, m.Weight, m.Drain
                    ? MemberState.Drain
                    : MemberState.Enabled))]);
    }

    private static IPAddress AddressOf(string text) => IPAddress.TryParse(text, out var address)
        ? address
        : throw new FormatException($"'{text}' is not an IP address");
}
