using System.Buffers;
using System.Net;

namespace Monolith.Agent.L7;

/// <summary>Names a load balancer: 1 to 64 of <c>a-z 0-9 -</c>, as do the ids of pools and members.</summary>
public readonly record struct LoadBalancerId(string Value)
{
    private static readonly SearchValues<char> Allowed = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");

    public override string ToString() => Value;

    internal static bool IsLabel(string? text) =>
        text is { Length: >= 1 and <= 64 } && !text.AsSpan().ContainsAnyExcept(Allowed);
}

public readonly record struct PoolId(string Value)
{
    public override string ToString() => Value;
}

public readonly record struct MemberId(string Value)
{
    public override string ToString() => Value;
}

public enum ListenerProtocol
{
    Http,
    Tcp,
}

public enum BalanceAlgorithm
{
    RoundRobin,
    LeastConnections,

    /// <summary>By the client's address, consistently: a change of members moves few clients.</summary>
    SourceHash,
}

public enum MemberState
{
    Enabled,

    /// <summary>Finishes what it has and gets nothing new.</summary>
    Drain,

    /// <summary>Gets nothing and is not checked.</summary>
    Disabled,
}

/// <summary>How a member shows that it is well.</summary>
/// <param name="HttpPath">Asked with GET; null: a TCP connection is enough.</param>
/// <param name="ExpectedStatus">HTTP status codes, for example <c>200-399</c> or <c>200,204</c>.</param>
/// <param name="IntervalMilliseconds">100 to 300,000.</param>
/// <param name="TimeoutMilliseconds">100 to 300,000.</param>
/// <param name="Rise">Successes in a row until it is up, 1 to 100.</param>
/// <param name="Fall">Failures in a row until it is down, 1 to 100.</param>
public sealed record HealthCheck(
    string? HttpPath = null, string ExpectedStatus = "200-399", int IntervalMilliseconds = 2000,
    int TimeoutMilliseconds = 2000,
    int Rise = 2, int Fall = 3);

/// <param name="Id">Unique in its pool.</param>
/// <param name="Address">IPv4 or IPv6.</param>
/// <param name="Port">1 to 65535.</param>
/// <param name="Weight">0 to 256, beside the others.</param>
/// <param name="State">Default: enabled.</param>
public sealed record MemberPlan(
    MemberId Id, IPAddress Address, int Port, int Weight = 100, MemberState State = MemberState.Enabled);

/// <param name="Id">Unique in its load balancer.</param>
/// <param name="Algorithm">How a member is chosen.</param>
/// <param name="Check">Null: members are taken to be well.</param>
/// <param name="Members">In any order.</param>
public sealed record PoolPlan(
    PoolId Id, BalanceAlgorithm Algorithm, HealthCheck? Check, IReadOnlyList<MemberPlan> Members);

/// <param name="Port">1 to 65535, unique in its load balancer.</param>
/// <param name="Protocol">What is balanced: requests or connections.</param>
/// <param name="Pool">Where to.</param>
/// <param name="CertificatePem">Certificates and private key in PEM: TLS ends here. Null: no TLS.</param>
public sealed record ListenerPlan(int Port, ListenerProtocol Protocol, PoolId Pool, string? CertificatePem = null);

/// <summary>What one load balancer shall be on this node. Immutable.</summary>
/// <param name="Id">Which.</param>
/// <param name="Generation">Of the desired state; echoed by observations once it has been acted on.</param>
/// <param name="Vips">Its addresses; they are on this node before HAProxy can bind them.</param>
/// <param name="Listeners">Ports of every VIP.</param>
/// <param name="Pools">That listeners refer to.</param>
public sealed record LoadBalancerPlan(
    LoadBalancerId Id, long Generation, IReadOnlyList<IPAddress> Vips, IReadOnlyList<ListenerPlan> Listeners,
    IReadOnlyList<PoolPlan> Pools);

/// <summary>What a plan must hold before HAProxy is told of it. Pure; gathers every violation.</summary>
internal static class LoadBalancerRules
{
    private static readonly SearchValues<char> PathCharacters = SearchValues.Create(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~/?=&+");
    private static readonly SearchValues<char> StatusCharacters = SearchValues.Create("0123456789-,");

    public static List<string> Violations(LoadBalancerPlan plan)
    {
        var found = new List<string>();
        Require(found, LoadBalancerId.IsLabel(plan.Id.Value), $"id \"{plan.Id}\" is not 1 to 64 of a-z 0-9 -");
        Require(found, plan.Vips.Count is >= 1 and <= 16, $"{plan.Vips.Count} VIPs, not 1 to 16");
        Require(found, plan.Vips.Distinct().Count() == plan.Vips.Count, "a VIP is named twice");
        Require(found, plan.Listeners.Count <= 64, $"{plan.Listeners.Count} listeners, more than 64");
        Require(
            found, plan.Listeners.DistinctBy(l => l.Port).Count() == plan.Listeners.Count, "two listeners on one port");
        Require(found, plan.Pools.DistinctBy(p => p.Id).Count() == plan.Pools.Count, "two pools with the same id");
        foreach (var listener in plan.Listeners) CheckListener(found, plan, listener);
        foreach (var pool in plan.Pools) CheckPool(found, pool);
        return found;
    }

    private static void CheckListener(List<string> found, LoadBalancerPlan plan, ListenerPlan listener)
    {
        Require(found, IsPort(listener.Port), $"listener port {listener.Port} is not 1 to 65535");
        Require(
            found, plan.Pools.Any(p => p.Id == listener.Pool),
            $"listener {listener.Port} refers to pool {listener.Pool}, which does not exist");
        if (listener.CertificatePem is not { } pem) return;
        Require(
            found,
            pem.Length <= 256 * 1024 && pem.Contains("-----BEGIN CERTIFICATE-----", StringComparison.Ordinal)
                && pem.Contains("PRIVATE KEY-----", StringComparison.Ordinal),
            $"listener {listener.Port} has no certificate with private key in PEM");
    }

    private static void CheckPool(List<string> found, PoolPlan pool)
    {
        Require(found, LoadBalancerId.IsLabel(pool.Id.Value), $"pool id \"{pool.Id}\" is not 1 to 64 of a-z 0-9 -");
        Require(found, pool.Members.Count <= 1000, $"pool {pool.Id} has {pool.Members.Count} members, more than 1000");
        Require(
            found, pool.Members.DistinctBy(m => m.Id).Count() == pool.Members.Count,
            $"pool {pool.Id} has two members with the same id");
        foreach (var member in pool.Members)
        {
            Require(
                found, LoadBalancerId.IsLabel(member.Id.Value),
                $"member id \"{member.Id}\" is not 1 to 64 of a-z 0-9 -");
            Require(found, IsPort(member.Port), $"member {member.Id} has port {member.Port}, not 1 to 65535");
            Require(found, member.Weight is >= 0 and <= 256,
                $"member {member.Id} has weight {member.Weight}, not 0 to 256");
        }
        if (pool.Check is not { } check) return;
        Require(
            found,
            check.HttpPath is null || check.HttpPath.StartsWith('/') && check.HttpPath.Length <= 256
                && !check.HttpPath.AsSpan().ContainsAnyExcept(PathCharacters),
            $"the health check of pool {pool.Id} has a path that is not a plain one from /");
        Require(
            found,
            check.ExpectedStatus.Length is >= 3 and <= 64
                && !check.ExpectedStatus.AsSpan().ContainsAnyExcept(StatusCharacters),
            $"the health check of pool {pool.Id} expects \"{check.ExpectedStatus}\", not codes and ranges");
        foreach (var (name, value, least, most) in new[]
        {
            ("interval_milliseconds", check.IntervalMilliseconds, 100, 300_000),
            ("timeout_milliseconds", check.TimeoutMilliseconds, 100, 300_000),
            ("rise", check.Rise, 1, 100), ("fall", check.Fall, 1, 100),
        })
            Require(
                found, value >= least && value <= most,
                $"the health check of pool {pool.Id} has {name} {value}, not {least} to {most}");
    }

    private static bool IsPort(int port) => port is >= 1 and <= 65535;

    private static void Require(List<string> found, bool holds, string otherwise)
    {
        if (!holds) found.Add(otherwise);
    }
}
