using System.Net;
using Monolith.Agent.L7;
using Monolith.Agent.V1;

namespace Monolith.Agent.Tests.L7;

internal static class Balancers
{
    public static readonly IPAddress Vip = IPAddress.Parse("127.0.0.1");

    public static MemberPlan Member(string id, int port = 8080) => new(new MemberId(id), IPAddress.Loopback, port);

    public static LoadBalancerPlan Plan(string id, int port, params MemberPlan[] members) => new(
        new LoadBalancerId(id), 1, [Vip],
        [new ListenerPlan(port, ListenerProtocol.Http, new PoolId("web"))],
        [new PoolPlan(new PoolId("web"), BalanceAlgorithm.RoundRobin, null, members)]);

    /// <summary>As the host words it.</summary>
    public static LoadBalancerSpec Spec(string id, int port, int memberPort) => new()
    {
        Id = id,
        Generation = 1,
        Addresses = { Vip.ToString() },
        Listeners = { new ListenerSpec { Id = "l", Port = port, Protocol = "http", Pool = "p" } },
        Pools =
        {
            new PoolSpec
            {
                Id = "p",
                Members = { new MemberSpec { Id = "m", Address = "127.0.0.1", Port = memberPort, Weight = 1 } },
            },
        },
    };

    public static LoadBalancerPlan With(this LoadBalancerPlan plan, params MemberPlan[] members) =>
        plan with { Generation = plan.Generation + 1, Pools = [plan.Pools[0] with { Members = members }] };
}
