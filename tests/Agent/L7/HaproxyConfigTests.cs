using System.Net;
using CsCheck;
using Monolith.Agent.L7;
using Monolith.Agent.Native.Safe;
using Monolith.Agent.Tests.Vms;

namespace Monolith.Agent.Tests.L7;

public sealed class HaproxyConfigTests
{
    private static readonly HaproxyHost Host = new(null, null, null);
    private static readonly Dictionary<(string, string), HaproxyServer> NoneLeave = [];

    [Fact]
    public void Build_DrainAndDisabled_AreAWeightAndAWord()
    {
        var config = HaproxyConfig.Build(
            [Balancers.Plan(
                "lb1", 80,
                Balancers.Member("a") with { Weight = 7 },
                Balancers.Member("b") with { State = MemberState.Drain },
                Balancers.Member("c") with { State = MemberState.Disabled, Address = IPAddress.Parse("fd64::2") })],
            Host);
        Assert.Contains("  server a 127.0.0.1:8080 weight 7\n", config.Text, StringComparison.Ordinal);
        Assert.Contains("  server b 127.0.0.1:8080 weight 0\n", config.Text, StringComparison.Ordinal);
        Assert.Contains("  server c [fd64::2]:8080 weight 100 disabled\n", config.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("  server ", config.Skeleton, StringComparison.Ordinal);
        Assert.Equal(config.Text.Count(c => c == '\n'), config.Owners.Count);
    }

    [Fact]
    public void Build_OrderOfPlansAndMembers_DoesNotMatter()
    {
        MemberPlan a = Balancers.Member("a"), b = Balancers.Member("b");
        LoadBalancerPlan one = Balancers.Plan("one", 80, a, b), two = Balancers.Plan("two", 81, b, a);
        Assert.Equal(
            HaproxyConfig.Build([one, two], Host).Text,
            HaproxyConfig.Build([two.With(a, b), one.With(b, a)], Host).Text);
    }

    /// <summary>Applying the commands to the servers before gives the servers after, and those that still leave.</summary>
    [Fact]
    public void Commands_AnyTwoSetsOfMembers_LeadFromOneToTheOther()
    {
        var member = Gen.Select(
            Gen.Int[0, 5], Gen.Int[1, 3], Gen.Int[0, 256], Gen.Enum<MemberState>(),
            (id, port, weight, state) => Balancers.Member($"m{id}", port) with { Weight = weight, State = state });
        var members = member.Array[0, 6].Select(all => all.DistinctBy(m => m.Id).ToArray());
        Gen.Select(members, members, members).Sample((from, to, gone) =>
        {
            var before = HaproxyConfig.Build([Balancers.Plan("lb", 80, from)], Host);
            var after = HaproxyConfig.Build([Balancers.Plan("lb", 80, to)], Host);
            var leaving = HaproxyConfig.Build([Balancers.Plan("lb", 80, gone)], Host).Servers
                .Where(s => !before.Servers.ContainsKey(s.Key)).ToDictionary(s => s.Key, s => s.Value with { Disabled = true });
            var commands = HaproxyChange.Commands(before, after, leaving);
            var expected = after.Servers.Concat(leaving.Where(s => !after.Servers.ContainsKey(s.Key)));
            return commands is not null
                && Play(before.Servers.Concat(leaving), commands).OrderBy(s => s.Key).SequenceEqual(expected.OrderBy(s => s.Key));
        });
    }

    [Fact]
    public void Commands_WhatIsNotAServer_NeedsAReload()
    {
        var plan = Balancers.Plan("lb", 80, Balancers.Member("a"));
        var before = HaproxyConfig.Build([plan], Host);
        LoadBalancerPlan[] changes =
        [
            plan with { Listeners = [plan.Listeners[0] with { Port = 81 }] },
            plan with { Pools = [plan.Pools[0] with { Check = new HealthCheck() }] },
            plan with { Pools = [plan.Pools[0] with { Algorithm = BalanceAlgorithm.SourceHash }] },
            plan with { Vips = [IPAddress.IPv6Loopback] },
        ];
        Assert.All(changes, c => Assert.Null(HaproxyChange.Commands(before, HaproxyConfig.Build([c], Host), NoneLeave)));
        Assert.Empty(HaproxyChange.Commands(before, before, NoneLeave)!);
    }

    [Fact]
    public void Rules_EveryViolation_IsGathered()
    {
        var bad = new MemberPlan(new MemberId("a b\n"), IPAddress.Loopback, 0, 300);
        var plan = new LoadBalancerPlan(
            new LoadBalancerId("X"), 1, [],
            [
                new ListenerPlan(0, ListenerProtocol.Http, new PoolId("none")),
                new ListenerPlan(0, ListenerProtocol.Tcp, new PoolId("p"), "not a certificate"),
            ],
            [new PoolPlan(new PoolId("p"), default, new HealthCheck("/a b\nserver x", "any", 0, 0, 0, 0), [bad, bad])]);
        var found = LoadBalancerRules.Violations(plan);
        Assert.Equal(3 + 2 + 2 + 1 + 6 + 6, found.Count);
        Assert.Empty(LoadBalancerRules.Violations(Balancers.Plan("lb", 80, Balancers.Member("a"))));
    }

    /// <summary>HAProxy itself takes everything that the rules take.</summary>
    [Fact]
    [Trait("Needs", "haproxy")]
    public async Task Build_EveryKindOfPlan_IsTakenByHaproxy()
    {
        using var scratch = new Scratch();
        HealthCheck?[] checks = [null, new(), new("/health?a=b&c=~x", "200-299,404", 5000, 3000, 1, 1)];
        var plans = Enum.GetValues<BalanceAlgorithm>().SelectMany(
            (algorithm, i) => checks.Select((check, j) => new LoadBalancerPlan(
                new LoadBalancerId($"lb-{i}{j}"), 1, [Balancers.Vip, IPAddress.IPv6Loopback],
                [
                    new ListenerPlan(1000 + 10 * i + j, ListenerProtocol.Http, new PoolId("web")),
                    new ListenerPlan(2000 + 10 * i + j, ListenerProtocol.Tcp, new PoolId("web")),
                ],
                [new PoolPlan(new PoolId("web"), algorithm, check, [Balancers.Member("a"), Balancers.Member("b")])])))
            .ToList();
        Assert.All(plans, p => Assert.Empty(LoadBalancerRules.Violations(p)));
        var config = HaproxyConfig.Build(plans, Host with { Chroot = scratch.Path });
        await File.WriteAllTextAsync(scratch.In("haproxy.cfg"), config.Text);
        var result = await ProcessCommand.RunAsync(
            "haproxy", ["-c", "-f", "haproxy.cfg"], scratch.Path, TimeSpan.FromSeconds(20), CancellationToken.None);
        Assert.True(result.Succeeded, result.Output);
        Assert.DoesNotContain("WARNING", result.Output, StringComparison.Ordinal);
    }

    private static Dictionary<(string, string), HaproxyServer> Play(
        IEnumerable<KeyValuePair<(string, string), HaproxyServer>> from, List<HaproxyCommand> commands)
    {
        var servers = new Dictionary<(string, string), HaproxyServer>(from);
        foreach (var command in commands)
        {
            var words = command.Text.Split(' ');
            var server = servers.GetValueOrDefault(command.Target);
            switch (words[0], words[1], words.ElementAtOrDefault(3))
            {
                case ("add", _, _):
                    Assert.False(servers.ContainsKey(command.Target));
                    var endpoint = words[3].Split(':');
                    servers[command.Target] = new(endpoint[0], int.Parse(endpoint[1]), int.Parse(words[5]), true, "");
                    break;
                case ("enable", "server", _):
                    servers[command.Target] = server with { Disabled = false };
                    break;
                case ("set", _, "addr"):
                    servers[command.Target] = server with { Address = words[4], Port = int.Parse(words[6]) };
                    break;
                case ("set", _, "weight"):
                    servers[command.Target] = server with { Weight = int.Parse(words[4]) };
                    break;
                case ("set", _, "state"):
                    servers[command.Target] = server with { Disabled = words[4] == "maint" };
                    break;
                case ("del", _, _):
                    Assert.True(server.Disabled, "a server is deleted only from maintenance");
                    servers.Remove(command.Target);
                    break;
                default:
                    throw new InvalidOperationException(command.Text);
            }
        }
        return servers;
    }
}
