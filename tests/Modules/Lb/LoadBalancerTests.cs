using System.Threading.Channels;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Monolith.Agent.V1;
using Monolith.Compute.Contracts;
using Monolith.Dns.Contracts;
using Monolith.Identity.Contracts;
using Monolith.Lb;
using Monolith.Lb.V1;
using Monolith.Modules.Tests.Calls;
using Monolith.Network.Contracts;
using Monolith.Platform.Events;
using Monolith.Platform.Faults;
using Monolith.Platform.Storage;
using static Monolith.Lb.V1.LoadBalancer.Types;
using NodeService = Monolith.Lb.Nodes.NodeService;
using Service = Monolith.Lb.LoadBalancers.LoadBalancerService;

namespace Monolith.Modules.Tests.Lb;

public sealed class LoadBalancerTests
{
    const string Name = "projects/demo/loadBalancers/web";

    readonly Neighbours neighbours = new();

    public static TheoryData<string> Providers => ModuleHost.Providers;

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    Task<ModuleHost> StartAsync(string provider, TimeProvider? time = null) => ModuleHost.StartAsync(provider, s => s
        .AddLb().AddSingleton(time ?? TimeProvider.System).AddSingleton<IVirtualAddresses>(neighbours)
        .AddSingleton<INames>(neighbours).AddSingleton<IServers>(neighbours).AddSingleton<INodes>(neighbours)
        .AddSingleton<IFabricNodes>(neighbours));

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task LoadBalancer_WithTwoNodes_LivesFromCreateToGone(string provider)
    {
        neighbours.Servers["projects/demo/servers/web1"] = "10.64.0.3";
        await using var host = await StartAsync(provider);
        var (a, b) = (new ScriptedAgent(host, "lb1"), new ScriptedAgent(host, "lb2"));
        var service = host.Make<Service>();
        await using var watch = new Watched(service);
        var made = await service.CreateLoadBalancer(Create(), new FakeCall());
        Assert.Equal(State.Pending, made.State);
        Assert.True(made.Reconciling);
        var ready = await watch.UntilAsync(l => l.State == State.Ready && l.MemberStatuses.Count == 2);
        Assert.Equal(("10.96.0.1", "web.demo.cloud.internal", 1), (ready.Address, ready.DnsName, ready.Revision));
        Assert.All(ready.MemberStatuses, m => Assert.Equal(MemberStatus.Types.Health.Up, m.Health));
        Assert.Equal("web.demo.cloud.internal 10.96.0.1", neighbours.Names.Values.Single());
        var spec = Assert.Single(a.Held.Values);
        Assert.Equal(("10.96.0.1", "10.64.0.3"), (spec.Addresses.Single(), spec.Pools[0].Members[0].Address));

        // The member's server gets another address: the nodes hear of it, the revision and the etag stay.
        neighbours.Servers["projects/demo/servers/web1"] = "10.64.0.9";
        foreach (var listener in host.Services.GetServices<IEventListener>())
            listener.OnEvent(new(1, Guid.NewGuid(), "monolith.compute.server.updated", "projects/demo/servers/web1", "demo",
                DateTime.UtcNow, "", "", "", "", []));
        await watch.UntilAsync(l => a.Held[l.Uid].Pools[0].Members[0].Address == "10.64.0.9"
            && b.Held[l.Uid].Pools[0].Members[0].Address == "10.64.0.9" && l.State == State.Ready);
        var now = await service.GetLoadBalancer(new() { Name = Name }, new FakeCall());
        Assert.Equal((ready.Revision, ready.Etag), (now.Revision, now.Etag));

        // A node fails at the next edit: degraded, and the cause in sight.
        b.Act = _ => new LoadBalancerStatus { State = LoadBalancerStatus.Types.State.Failed, Message = "port 81 is taken" };
        var edit = now.Clone();
        edit.Listeners[0].Port = 81;
        await service.UpdateLoadBalancer(new() { LoadBalancer = edit, UpdateMask = new() { Paths = { "listeners" } } }, new FakeCall());
        var degraded = await watch.UntilAsync(l => l.State == State.Degraded);
        Assert.Contains(degraded.Conditions, c => c.Message.Contains("lb2: port 81 is taken", StringComparison.Ordinal));

        // The node is away: what is left serves. A reconnect without news costs one message.
        await b.DisconnectAsync();
        await watch.UntilAsync(l => l.State == State.Ready);
        await a.DisconnectAsync();
        a = new ScriptedAgent(host, "lb1", a);
        var inSync = await a.InSync.Task.WaitAsync(TimeSpan.FromSeconds(60), Cancel);
        Assert.Equal((true, false), (inSync.Unchanged, inSync.SendStatuses));
        Assert.Equal(1, a.Received);

        b = new ScriptedAgent(host, "lb2", b);
        await b.InSync.Task.WaitAsync(TimeSpan.FromSeconds(60), Cancel);
        await service.DeleteLoadBalancer(new() { Name = Name }, new FakeCall());
        await watch.UntilGoneAsync();
        Assert.Empty(a.Held);
        Assert.Empty(neighbours.Addresses);
        Assert.Empty(neighbours.Names);
        Assert.Equal((0, 0), await host.Get<Store<LbDb>>().ReadAsync(async db =>
            (await db.LoadBalancers.CountAsync(Cancel), await db.Statuses.CountAsync(Cancel))));
        await a.DisposeAsync();
        await b.DisposeAsync();
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task Delete_WhileANodeHoldsOn_KeepsTheAddressUntilItLetsGo(string provider)
    {
        await using var host = await StartAsync(provider);
        await using var agent = new ScriptedAgent(host, "lb1") { ConfirmsRemoval = false };
        var service = host.Make<Service>();
        await using var watch = new Watched(service);
        neighbours.Servers["projects/demo/servers/web1"] = "";
        await service.CreateLoadBalancer(Create(), new FakeCall());
        var ready = await watch.UntilAsync(l => l.State == State.Ready);
        // A member without an address is in nobody's spec, and says so.
        Assert.Contains("has no address yet", Assert.Single(ready.MemberStatuses).Message);
        await service.DeleteLoadBalancer(new() { Name = Name }, new FakeCall());
        var waiting = await watch.UntilAsync(l => l.State == State.Deleting);
        await agent.Removed.Task.WaitAsync(TimeSpan.FromSeconds(60), Cancel);
        Assert.Contains(waiting.Conditions, c => c.Reason == "DELETING" && c.Message.Contains("lb1", StringComparison.Ordinal));
        Assert.Single(neighbours.Addresses);
        var refused = await Assert.ThrowsAsync<Fault>(() => service.UpdateLoadBalancer(new()
        { LoadBalancer = new() { Name = Name, DisplayName = "x" } }, new FakeCall()));
        Assert.Equal("LOAD_BALANCER_DELETING", refused.Reason);
        agent.Report(new LoadBalancerStatus { Id = waiting.Uid, State = LoadBalancerStatus.Types.State.Removed });
        await watch.UntilGoneAsync();
        Assert.Empty(neighbours.Addresses);
    }

    /// <summary>The user's load balancer goes in time; its address has no second owner while a machine may announce it.</summary>
    [Theory]
    [MemberData(nameof(Providers))]
    public async Task Delete_WhileANodeIsAway_HoldsTheAddress_UntilItIsBackOrForgotten(string provider)
    {
        neighbours.Servers["projects/demo/servers/web1"] = "10.64.0.3";
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var host = await StartAsync(provider, time);
        await using var here = new ScriptedAgent(host, "lb1");
        var (service, nodes) = (host.Make<Service>(), host.Make<NodeService>());
        await using var watch = new Watched(service);
        foreach (var comesBack in new[] { true, false })
        {
            var away = new ScriptedAgent(host, "lb2");
            await away.InSync.Task.WaitAsync(TimeSpan.FromSeconds(60), Cancel);
            await service.CreateLoadBalancer(Create(), new FakeCall());
            var ready = await watch.UntilAsync(l => l.State == State.Ready && away.Held.ContainsKey(l.Uid));
            var refused = await Assert.ThrowsAsync<Fault>(() => nodes.DeleteNode(new() { Name = "nodes/lb2" }, new FakeCall()));
            Assert.Equal("NODE_CONNECTED", refused.Reason);
            await away.DisconnectAsync();
            await service.DeleteLoadBalancer(new() { Name = Name }, new FakeCall());
            await watch.UntilAsync(l => l.Conditions.Any(c => c.Reason == "DELETING"
                && c.Message.StartsWith("Waiting for lb2 to", StringComparison.Ordinal)));
            time.Advance(TimeSpan.FromSeconds(31));
            await watch.UntilGoneAsync(time);

            // Its name is free for another, its address is not.
            Assert.Equal(ready.Address, Assert.Single(neighbours.Addresses).Value);
            Assert.Empty(neighbours.Names);
            Assert.Equal([ready.Address], (await ListAsync()).Single(n => n.Name == "nodes/lb2").HeldAddresses);
            await nodes.DeleteNode(new() { Name = "nodes/lb2", ValidateOnly = true }, new FakeCall());
            Assert.Single(neighbours.Addresses);
            var malformed = await Assert.ThrowsAsync<Fault>(() => nodes.DeleteNode(
                new() { Name = "nodes/lb2", RequestId = "no id" }, new FakeCall()));
            Assert.Equal("request_id", malformed.Fields[0].Field);
            Assert.Empty(neighbours.Forgotten);
            if (comesBack) away = new ScriptedAgent(host, "lb2", away);
            else await nodes.DeleteNode(new() { Name = "nodes/lb2" }, new FakeCall());
            Assert.Equal(Guid.Parse(ready.Uid), await neighbours.Released.Reader.ReadAsync(Cancel).AsTask()
                .WaitAsync(TimeSpan.FromSeconds(60), Cancel));
            Assert.Empty(neighbours.Addresses);
            Assert.All(await ListAsync(), n => Assert.Empty(n.HeldAddresses));
            await away.DisposeAsync();
        }
        Assert.Equal(["lb2"], neighbours.Forgotten);
        Assert.Equal(["nodes/lb1"], (await ListAsync()).Select(n => n.Name));

        async Task<IEnumerable<Node>> ListAsync() => (await nodes.ListNodes(new(), new FakeCall())).Nodes;
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Create_WithANameThatIsAnothers_IsRefusedWithItsOtherFaults(string provider)
    {
        neighbours.Obstacle = "web.demo.cloud.internal is the name of projects/demo/servers/web.";
        await using var host = await StartAsync(provider);
        var fault = await Assert.ThrowsAsync<Fault>(() => host.Make<Service>().CreateLoadBalancer(Create(), new FakeCall()));
        Assert.Equal(["load_balancer.pools[0].members[0].server", "load_balancer_id"], fault.Fields.Select(f => f.Field).Order());
        Assert.Contains(fault.Fields, f => f.Description == neighbours.Obstacle);
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task Edits_TwoHundredAtOnce_AreAllTakenInOneOrder(string provider)
    {
        neighbours.Servers["projects/demo/servers/web1"] = "10.64.0.3";
        await using var host = await StartAsync(provider);
        await using var agent = new ScriptedAgent(host, "lb1");
        var service = host.Make<Service>();
        await using var watch = new Watched(service);
        await service.CreateLoadBalancer(Create(), new FakeCall());
        var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => Task.Run(() => service.UpdateLoadBalancer(new()
        {
            LoadBalancer = i % 2 == 0
                ? new() { Name = Name, DisplayName = $"edit {i}" }
                : new() { Name = Name, Listeners = { Listen(1000 + i) } },
            UpdateMask = new() { Paths = { i % 2 == 0 ? "display_name" : "listeners" } },
        }, new FakeCall()))));
        // Each edit made a revision of its own, and each answer is the one before it with that edit done.
        var order = answers.OrderBy(a => a.Revision).ToList();
        Assert.Equal(Enumerable.Range(2, 200).Select(r => (long)r), order.Select(a => a.Revision));
        for (var i = 1; i < order.Count; i++)
        {
            var words = order[i].DisplayName != order[i - 1].DisplayName;
            var ports = order[i].Listeners[0].Port != order[i - 1].Listeners[0].Port;
            Assert.True(words ^ ports);
        }
        Assert.Equal(100, order.Select(a => a.DisplayName).Distinct().Count(d => d.Length > 0));
        var final = await watch.UntilAsync(l => l.State == State.Ready && l.Revision == 201);
        Assert.Equal((order[^1].DisplayName, order[^1].Listeners[0].Port), (final.DisplayName, final.Listeners[0].Port));
        Assert.Equal(order[^1].Listeners[0].Port, agent.Held[final.Uid].Listeners[0].Port);
        var stale = await Assert.ThrowsAsync<Fault>(() => service.UpdateLoadBalancer(new()
        { LoadBalancer = new() { Name = Name, Etag = "1", DisplayName = "late" } }, new FakeCall()));
        Assert.Equal("ETAG_MISMATCH", stale.Reason);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Create_WithServersThatAreNotThere_IsRefusedWithEveryOne(string provider)
    {
        await using var host = await StartAsync(provider);
        var request = Create();
        request.LoadBalancer.Pools[0].Members.Add(new Member { Server = "projects/other/servers/x", Port = 80 });
        var fault = await Assert.ThrowsAsync<Fault>(() => host.Make<Service>().CreateLoadBalancer(request, new FakeCall()));
        Assert.Equal(["load_balancer.pools[0].members[0].server", "load_balancer.pools[0].members[1].server"],
            fault.Fields.Select(f => f.Field).Order());
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task ARepeat_IsAnsweredAsBefore_WhateverBecameOfTheServers(string provider)
    {
        neighbours.Servers["projects/demo/servers/web1"] = neighbours.Servers["projects/demo/servers/web2"] = "10.64.0.3";
        await using var host = await StartAsync(provider);
        var service = host.Make<Service>();
        var create = Create();
        create.RequestId = Guid.NewGuid().ToString();
        var made = await service.CreateLoadBalancer(create, new FakeCall());
        var edit = new UpdateLoadBalancerRequest
        {
            LoadBalancer = new() { Name = Name, Pools = { create.LoadBalancer.Pools[0].Clone() } },
            UpdateMask = new() { Paths = { "pools" } },
            RequestId = Guid.NewGuid().ToString(),
        };
        edit.LoadBalancer.Pools[0].Members.Add(new Member { Server = "projects/demo/servers/web2", Port = 80 });
        var edited = await service.UpdateLoadBalancer(edit, new FakeCall());

        neighbours.Servers.Clear();
        neighbours.Obstacle = "is the name of another";
        Assert.Equal(made, await service.CreateLoadBalancer(create, new FakeCall()));
        Assert.Equal(edited, await service.UpdateLoadBalancer(edit, new FakeCall()));
        create.LoadBalancer.DisplayName = "another";
        Assert.Equal("request_id", (await Assert.ThrowsAsync<Fault>(
            () => service.CreateLoadBalancer(create, new FakeCall()))).Fields[0].Field);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Claim_ThatCannotBeMade_IsACauseAndNotAnEnd(string provider)
    {
        neighbours.Servers["projects/demo/servers/web1"] = "10.64.0.3";
        neighbours.Exhausted = true;
        await using var host = await StartAsync(provider);
        var service = host.Make<Service>();
        await using var watch = new Watched(service);
        await service.CreateLoadBalancer(Create(), new FakeCall());
        await watch.UntilAsync(l => l.Conditions.Any(c => c is { Type: "AddressClaimed", Reason: "POOL_EXHAUSTED" }));
        neighbours.Exhausted = false;
        var claimed = await watch.UntilAsync(l => l.Address.Length > 0);
        Assert.DoesNotContain(claimed.Conditions, c => c.Reason == "POOL_EXHAUSTED");
    }

    static CreateLoadBalancerRequest Create() => new()
    {
        Parent = "projects/demo",
        LoadBalancerId = "web",
        LoadBalancer = new LoadBalancer
        {
            Listeners = { Listen(80) },
            Pools = { new Pool { Id = "web", Members = { new Member { Server = "projects/demo/servers/web1", Port = 80 } } } },
        },
    };

    static Listener Listen(int port) => new()
    { Id = "http", Protocol = Listener.Types.Protocol.Http, Port = port, Pool = "web" };

    /// <summary>A watch on the project, as a client has it: what is awaited is heard, not asked for.</summary>
    sealed class Watched : IServerStreamWriter<WatchLoadBalancersResponse>, IAsyncDisposable
    {
        readonly Channel<WatchLoadBalancersResponse> heard = Channel.CreateUnbounded<WatchLoadBalancersResponse>();
        readonly CancellationTokenSource stop = new();
        readonly Task watching;

        public Watched(Service service) => watching = service.WatchLoadBalancers(new() { Parent = "projects/demo" }, this,
            new FakeCall(cancel: stop.Token));

        public WriteOptions? WriteOptions { get; set; }

        public Task WriteAsync(WatchLoadBalancersResponse message, CancellationToken cancel) => WriteAsync(message);

        public Task WriteAsync(WatchLoadBalancersResponse message)
        {
            heard.Writer.TryWrite(message);
            return Task.CompletedTask;
        }

        public async Task<LoadBalancer> UntilAsync(Func<LoadBalancer, bool> holds)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
            limit.CancelAfter(TimeSpan.FromSeconds(60));
            LoadBalancer? last = null;
            try
            {
                while (true)
                {
                    last = (await heard.Reader.ReadAsync(limit.Token)).LoadBalancer ?? last;
                    if (last is not null && holds(last)) return last;
                }
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException($"It did not come to pass; the last that was heard: {last}");
            }
        }

        /// <param name="time">Goes on while nothing is heard: a reconciler that looked at it before a leap, and set its
        /// alarm after, would wait for ever at a clock that stands.</param>
        public async Task UntilGoneAsync(FakeTimeProvider? time = null)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
            limit.CancelAfter(TimeSpan.FromSeconds(60));
            while (true)
            {
                var next = heard.Reader.ReadAsync(limit.Token).AsTask();
                while (await Task.WhenAny(next, Task.Delay(TimeSpan.FromSeconds(1), limit.Token)) != next)
                    time?.Advance(TimeSpan.FromSeconds(10));
                if ((await next).Change == Api.V1.ChangeType.Removed) return;
            }
        }

        public async ValueTask DisposeAsync()
        {
            await stop.CancelAsync();
            try
            {
                await watching;
            }
            catch (OperationCanceledException)
            {
            }
            stop.Dispose();
        }
    }
}
