using System.Threading.Channels;
using Grpc.Core;
using Monolith.Agent.V1;
using Monolith.Lb.LoadBalancers;
using Monolith.Modules.Tests.Calls;
using Monolith.Platform.Nodes;
using Monolith.Protos;

namespace Monolith.Modules.Tests.Lb;

/// <summary>An LB node's agent that does as the protocol says, unless it is told not to.</summary>
internal sealed class ScriptedAgent : IAsyncStreamReader<SyncLoadBalancersRequest>,
    IServerStreamWriter<SyncLoadBalancersResponse>, IAsyncDisposable
{
    readonly Channel<SyncLoadBalancersRequest> up = Channel.CreateUnbounded<SyncLoadBalancersRequest>();
    readonly CancellationTokenSource stop = new();
    readonly Dictionary<string, LoadBalancerStatus> statuses;
    readonly HashSet<string> snapshot = [];
    readonly Task serving;

    public ScriptedAgent(ModuleHost host, string node, ScriptedAgent? before = null)
    {
        Held = before?.Held ?? [];
        statuses = before?.statuses ?? [];
        var headers = HelloHeader.Of(new Hello
        {
            DesiredDigest = SyncDigest.Of(Held.Select(h => (h.Key, h.Value.Generation.ToString()))),
            StatusDigest = SyncDigest.Of(statuses.Select(s => (s.Key, s.Value.ReportDigest))),
            AgentVersion = "test",
        });
        var service = host.Make<Monolith.Lb.LoadBalancers.LoadBalancerSyncService>();
        serving = Task.Run(() => service.SyncLoadBalancers(this, this,
            new FakeCall(caller: "nodes/" + node, headers: headers, cancel: stop.Token)));
    }

    public Dictionary<string, LoadBalancerSpec> Held { get; }

    /// <summary>What it answers to an upsert; null: nothing.</summary>
    public Func<LoadBalancerSpec, LoadBalancerStatus?> Act { get; set; } = spec => new LoadBalancerStatus
    {
        State = LoadBalancerStatus.Types.State.Serving,
        Members =
        {
            spec.Pools.SelectMany(p => p.Members.Select(m => new MemberFact { Pool = p.Id, Member = m.Id, Health = "up" })),
        },
    };

    public bool ConfirmsRemoval { get; set; } = true;

    /// <summary>What the host said at the end of its snapshot.</summary>
    public TaskCompletionSource<InSync> InSync { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The first remove was heard.</summary>
    public TaskCompletionSource Removed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Messages that came down, InSync included.</summary>
    public int Received { get; private set; }

    public SyncLoadBalancersRequest Current { get; private set; } = new();

    public WriteOptions? WriteOptions { get; set; }

    public void Report(LoadBalancerStatus status)
    {
        status.ReportDigest = Guid.NewGuid().ToString("N");
        statuses[status.Id] = status;
        up.Writer.TryWrite(new SyncLoadBalancersRequest { Status = status.Clone() });
    }

    public async Task<bool> MoveNext(CancellationToken cancel)
    {
        if (!await up.Reader.WaitToReadAsync(cancel)) return false;
        Current = await up.Reader.ReadAsync(cancel);
        return true;
    }

    public Task WriteAsync(SyncLoadBalancersResponse message, CancellationToken cancel) => WriteAsync(message);

    public Task WriteAsync(SyncLoadBalancersResponse message)
    {
        lock (Held)
        {
            Received++;
            switch (message.KindCase)
            {
                case SyncLoadBalancersResponse.KindOneofCase.Upsert:
                    Held[message.Upsert.Id] = message.Upsert;
                    snapshot.Add(message.Upsert.Id);
                    if (Act(message.Upsert) is not { } status) break;
                    (status.Id, status.Generation) = (message.Upsert.Id, message.Upsert.Generation);
                    Report(status);
                    break;
                case SyncLoadBalancersResponse.KindOneofCase.Remove:
                    Remove(message.Remove);
                    break;
                case SyncLoadBalancersResponse.KindOneofCase.InSync:
                    if (!message.InSync.Unchanged)
                        foreach (var id in Held.Keys.Except(snapshot).ToList()) Remove(id);
                    InSync.TrySetResult(message.InSync);
                    if (!message.InSync.SendStatuses) break;
                    foreach (var held in statuses.Values.ToList())
                        up.Writer.TryWrite(new SyncLoadBalancersRequest { Status = held.Clone() });
                    up.Writer.TryWrite(new SyncLoadBalancersRequest { StatusesSent = new StatusesSent() });
                    break;
            }
        }
        return Task.CompletedTask;
    }

    void Remove(string id)
    {
        Held.Remove(id);
        Removed.TrySetResult();
        if (!ConfirmsRemoval) return;
        Report(new LoadBalancerStatus { Id = id, State = LoadBalancerStatus.Types.State.Removed });
        statuses.Remove(id);
    }

    public async Task DisconnectAsync()
    {
        await stop.CancelAsync();
        try
        {
            await serving;
        }
        catch (OperationCanceledException)
        {
        }
    }

    public async ValueTask DisposeAsync()
    {
        await DisconnectAsync();
        stop.Dispose();
    }
}
