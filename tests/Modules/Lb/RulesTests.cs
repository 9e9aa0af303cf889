using Google.Protobuf.WellKnownTypes;
using Monolith.Lb.LoadBalancers;
using Monolith.Lb.V1;
using Monolith.Platform.Faults;

namespace Monolith.Modules.Tests.Lb;

public sealed class RulesTests
{
    [Fact]
    public void Check_OfABadBody_GathersEveryViolation()
    {
        var body = new LoadBalancer
        {
            Listeners =
            {
                new Listener { Id = "a", Protocol = Listener.Types.Protocol.Http, Port = 80, Pool = "web" },
                new Listener { Id = "a", Protocol = Listener.Types.Protocol.Tcp, Port = 80, Pool = "web" },
                new Listener { Id = "B!", Port = 0, Pool = "none" },
            },
            Pools =
            {
                new Pool
                {
                    Id = "web",
                    HealthCheck = new HealthCheck { HttpPath = "no slash", Interval = new Duration { Nanos = 1 }, Rise = -1, Fall = 101 },
                    Members =
                    {
                        new Member { Server = "projects/other/servers/s", Port = 80 },
                        new Member { Address = "127.0.0.1", Port = 80, Weight = 257 },
                        new Member { Address = "169.254.169.254", Port = 70000 },
                        new Member { Port = 80 },
                        new Member { Id = "x", Address = "10.0.0.1", Port = 80 },
                        new Member { Id = "x", Address = "10.0.0.2", Port = 80 },
                    },
                },
                new Pool { Id = "web" },
            },
        };
        Assert.Equal([
            "listeners[1].id", "listeners[1].pool", "listeners[1].port", "listeners[2].id", "listeners[2].pool",
            "listeners[2].port", "listeners[2].protocol", "pools[0].health_check.fall", "pools[0].health_check.http_path",
            "pools[0].health_check.interval", "pools[0].health_check.rise", "pools[0].members[0].server",
            "pools[0].members[1].address", "pools[0].members[1].weight", "pools[0].members[2].address",
            "pools[0].members[2].port", "pools[0].members[3]", "pools[0].members[5].id", "pools[1].id",
        ], Check(body).Select(f => f.Field["load_balancer.".Length..]).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Check_OfAGoodBody_FillsDefaultsInAndChangesNothingTwice()
    {
        var body = new LoadBalancer
        {
            Listeners = { new Listener { Id = "http", Protocol = Listener.Types.Protocol.Http, Port = 80, Pool = "web" } },
            Pools =
            {
                new Pool
                {
                    Id = "web",
                    Members =
                    {
                        new Member { Server = "projects/demo/servers/web1", Port = 80 },
                        new Member { Server = "projects/demo/servers/web1", Port = 81, Weight = 0 },
                        new Member { Address = "FD64:0::3", Port = 80 },
                    },
                },
            },
        };
        Assert.Empty(Check(body));
        Assert.Equal(["web1", "web1-81", "a-fd64-0-3"], body.Pools[0].Members.Select(m => m.Id));
        Assert.Equal([100, 0, 100], body.Pools[0].Members.Select(m => m.Weight));
        Assert.Equal("fd64::3", body.Pools[0].Members[2].Address);
        Assert.Equal(Pool.Types.Algorithm.RoundRobin, body.Pools[0].Algorithm);
        var again = body.Clone();
        Assert.Empty(Check(again));
        Assert.Equal(body, again);
    }

    static List<FieldViolation> Check(LoadBalancer body)
    {
        var violations = new Violations();
        LoadBalancerRules.CheckBody(body, "demo", violations);
        try
        {
            violations.ThrowIfAny();
            return [];
        }
        catch (Fault fault)
        {
            return [.. fault.Fields];
        }
    }
}
