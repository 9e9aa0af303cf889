using System.Globalization;
using System.Threading.Channels;
using Grpc.Core;
using Monolith.Agent.V1;
using Monolith.Modules.Tests.Calls;
using Monolith.Platform.Calls;
using Monolith.Platform.Nodes;
using Monolith.Protos;

namespace Monolith.Modules.Tests.Network;

/// <summary>A hypervisor's side of the ports' stream: keeps what it is sent and what it reports.</summary>
internal sealed class ScriptedAgent(NetworkFixture net, string node) : IAsyncDisposable
{
    Channel<SyncPortsRequest> up = Channel.CreateUnbounded<SyncPortsRequest>();
    TestStream<SyncPortsResponse> down = new();
    Task serving = Task.CompletedTask;

    /// <summary>By the ids of digests.</summary>
    public Dictionary<string, SyncPortsResponse> Held { get; } = [];

    public Dictionary<string, PortStatus> Statuses { get; } = [];

    public Task Serving => serving;

    public bool HeardAll => down.IsEmpty;

    public static string IdOf(SyncPortsResponse message) => message.KindCase switch
    {
        SyncPortsResponse.KindOneofCase.UpsertPort => message.UpsertPort.Id,
        SyncPortsResponse.KindOneofCase.RemovePort => message.RemovePort,
        SyncPortsResponse.KindOneofCase.UpsertSet => "set:" + message.UpsertSet.Id,
        SyncPortsResponse.KindOneofCase.RemoveSet => "set:" + message.RemoveSet,
        _ => "",
    };

    /// <summary>Opens the stream and takes the snapshot.</summary>
    /// <returns>The messages before InSync, and InSync.</returns>
    public async Task<(List<SyncPortsResponse> Items, InSync End)> ConnectAsync()
    {
        Open();
        var items = new List<SyncPortsResponse>();
        while (true)
        {
            var message = await down.NextAsync();
            if (message.KindCase == SyncPortsResponse.KindOneofCase.InSync)
            {
                if (!message.InSync.Unchanged)
                    foreach (var old in Held.Keys.Except(items.Select(IdOf)).ToList()) Held.Remove(old);
                if (message.InSync.SendStatuses)
                {
                    foreach (var status in Statuses.Values) Send(new SyncPortsRequest { Status = status });
                    Send(new SyncPortsRequest { StatusesSent = new() });
                }
                return (items, message.InSync);
            }
            Apply(message);
            items.Add(message);
        }
    }

    public async Task<SyncPortsResponse> NextAsync()
    {
        var message = await down.NextAsync();
        Apply(message);
        return message;
    }

    public void Report(string id, PortStatus.Types.State state, ulong generation, string digest, bool remember = true,
        params string[] externals)
    {
        var status = new PortStatus
        {
            Id = id,
            State = state,
            Generation = generation,
            ReportDigest = digest,
            AnnouncedExternals = { externals },
        };
        if (remember) Statuses[id] = status;
        Send(new SyncPortsRequest { Status = status });
    }

    public void Send(SyncPortsRequest request) => up.Writer.TryWrite(request);

    public async Task DisconnectAsync()
    {
        up.Writer.TryComplete();
        await serving;
    }

    void Open()
    {
        (up, down) = (Channel.CreateUnbounded<SyncPortsRequest>(), new());
        var hello = new Hello
        {
            DesiredDigest = SyncDigest.Of(Held.Select(h => (h.Key, Generation(h.Value)))),
            StatusDigest = SyncDigest.Of(Statuses.Values.Select(s => (s.Id, s.ReportDigest))),
        };
        var context = FakeCall.By(new Caller("nodes/" + node, []), "agent.ports.sync", headers: HelloHeader.Of(hello));
        serving = Task.Run(() => net.Stream.SyncPorts(new Reader(up.Reader), down, context));
    }

    static string Generation(SyncPortsResponse message) => (message.UpsertPort?.Generation
        ?? message.UpsertSet.Generation).ToString(CultureInfo.InvariantCulture);

    void Apply(SyncPortsResponse message)
    {
        if (message.KindCase is SyncPortsResponse.KindOneofCase.RemovePort or SyncPortsResponse.KindOneofCase.RemoveSet)
            Held.Remove(IdOf(message));
        else Held[IdOf(message)] = message;
    }

    public async ValueTask DisposeAsync()
    {
        up.Writer.TryComplete();
        await serving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    sealed class Reader(ChannelReader<SyncPortsRequest> requests) : IAsyncStreamReader<SyncPortsRequest>
    {
        public SyncPortsRequest Current { get; private set; } = new();

        public async Task<bool> MoveNext(CancellationToken cancellationToken)
        {
            if (!await requests.WaitToReadAsync(cancellationToken) || !requests.TryRead(out var request)) return false;
            Current = request;
            return true;
        }
    }
}
