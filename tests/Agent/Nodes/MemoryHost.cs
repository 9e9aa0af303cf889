using System.Collections.Concurrent;
using System.Threading.Channels;
using Google.Protobuf;
using Grpc.Core;
using Monolith.Agent.Sync;
using Monolith.Agent.Tests.Sync;
using Monolith.Agent.V1;

namespace Monolith.Agent.Tests.Nodes;

/// <summary>The host as agents see it, in memory: typed streams through a call invoker, without a network.</summary>
internal sealed class MemoryHost : CallInvoker
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, Vm> vms = [];
    private readonly Dictionary<string, PortSpec> ports = [];
    private readonly List<Action<object>> vmStreams = [];
    private readonly List<Action<object>> portStreams = [];
    private readonly List<Action> cuts = [];
    private TaskCompletionSource news = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ConcurrentDictionary<string, VmStatus> VmStatuses { get; } = new();
    public ConcurrentDictionary<string, PortStatus> PortStatuses { get; } = new();
    public ConcurrentQueue<IMessage> Received { get; } = new();
    public ConcurrentQueue<object> Sent { get; } = new();
    public volatile bool Refusing;
    private int refusedUploads;

    private WantedImages? wantedImages;

    /// <summary>What was said last of images that are wanted ahead; null: nothing.</summary>
    public volatile ImageStatuses? ImageStatuses;

    /// <summary>Images that are wanted ahead from now on. A host that never is told of any says nothing of them.</summary>
    public void Want(WantedImages images)
    {
        lock (gate)
        {
            wantedImages = images;
            foreach (var push in vmStreams) push(new SyncVmsResponse { WantedImages = images });
        }
    }

    /// <summary>What was sent, by snapshot.</summary>
    public ConcurrentDictionary<string, ConcurrentQueue<byte[]>> Uploads { get; } = new();

    /// <summary>How uploads are refused; null: they are taken.</summary>
    public StatusCode? RefusesUploads { get; set; }

    public int RefusedUploads => Volatile.Read(ref refusedUploads);

    public void Want(Vm vm, string traceparent = "")
    {
        lock (gate)
        {
            vms[vm.Id] = vm;
            foreach (var push in vmStreams) push(new SyncVmsResponse { Upsert = vm, Traceparent = traceparent });
        }
    }

    public void Want(PortSpec port, string traceparent = "")
    {
        lock (gate)
        {
            ports[port.Id] = port;
            foreach (var push in portStreams)
                push(new SyncPortsResponse { UpsertPort = port, Traceparent = traceparent });
        }
    }

    public void RemoveVm(string id)
    {
        lock (gate)
        {
            vms.Remove(id);
            VmStatuses.TryRemove(id, out _);
            foreach (var push in vmStreams) push(new SyncVmsResponse { Remove = id });
        }
    }

    public void RemovePort(string id)
    {
        lock (gate)
        {
            ports.Remove(id);
            PortStatuses.TryRemove(id, out _);
            foreach (var push in portStreams) push(new SyncPortsResponse { RemovePort = id });
        }
    }

    /// <summary>Lets go of what was received.</summary>
    public void Forget()
    {
        Received.Clear();
        Sent.Clear();
        VmStatuses.Clear();
        PortStatuses.Clear();
    }

    /// <summary>Drops a row without a word, as a restored backup does.</summary>
    public void Lose(string vm)
    {
        lock (gate) vms.Remove(vm);
    }

    public void CutStreams()
    {
        Action[] cuts;
        lock (gate)
        {
            cuts = [.. this.cuts];
            this.cuts.Clear();
            vmStreams.Clear();
            portStreams.Clear();
        }

        foreach (var cut in cuts) cut();
    }

    /// <summary>Waits until the statuses satisfy; woken by all that agents do, never by a timer.</summary>
    public async Task UntilAsync(Func<bool> holds, string what, int seconds = 20)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        while (true)
        {
            Task news;
            lock (gate) news = this.news.Task;
            if (holds()) return;
            try
            {
                await news.WaitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                Assert.Fail($"{what}: did not come about. vms: {string.Join(" | ", VmStatuses.Values)} ports: "
                    + string.Join(" | ", PortStatuses.Values));
            }
        }
    }

    public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options)
    {
        if (Refusing) throw new RpcException(new Status(StatusCode.Unavailable, "away"));
        var down = Channel.CreateUnbounded<TResponse>();
        var writer = new Writer<TRequest>(OnMessage);
        lock (gate)
        {
            cuts.Add(() => down.Writer.TryComplete(new RpcException(new Status(StatusCode.Unavailable, "cut"))));
            OnCall(method.Name, FakeHost.HelloIn(options.Headers), message =>
            {
                Sent.Enqueue(message);
                down.Writer.TryWrite((TResponse)message);
            });
            Tell();
        }

        return new AsyncDuplexStreamingCall<TRequest, TResponse>(
            writer, new Reader<TResponse>(down.Reader), Task.FromResult(new Metadata()),
            () => Status.DefaultSuccess, () => [], () => down.Writer.TryComplete());
    }

    private void OnCall(string method, Hello hello, Action<object> push)
    {
        if (method == nameof(VmSyncService.VmSyncServiceClient.SyncVms))
        {
            Greet(
                vms.Select(v => (v.Key, v.Value.Generation, (object)new SyncVmsResponse { Upsert = v.Value })),
                hello, VmStatuses.Select(s => KeyValuePair.Create(s.Key, s.Value.ReportDigest)), push,
                inSync => new SyncVmsResponse { InSync = inSync, WantedImages = wantedImages });
            vmStreams.Add(push);
        }
        else
        {
            Greet(
                ports.Select(p => (p.Key, p.Value.Generation, (object)new SyncPortsResponse { UpsertPort = p.Value })),
                hello, PortStatuses.Select(s => KeyValuePair.Create(s.Key, s.Value.ReportDigest)), push,
                inSync => new SyncPortsResponse { InSync = inSync });
            portStreams.Add(push);
        }
    }

    private void OnMessage(object message)
    {
        Received.Enqueue((IMessage)message);
        lock (gate)
        {
            switch (message)
            {
                case SyncVmsRequest { Status: { } status }:
                    VmStatuses[status.Id] = status.Clone();
                    break;
                case SyncVmsRequest { ImageStatuses: { } images }:
                    ImageStatuses = images.Clone();
                    break;
                case SyncPortsRequest { Status: { } status }:
                    PortStatuses[status.Id] = status.Clone();
                    break;
            }

            Tell();
        }
    }

    private void Tell()
    {
        news.TrySetResult();
        news = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private static void Greet(
        IEnumerable<(string Id, ulong Generation, object Upsert)> wanted,
        Hello hello,
        IEnumerable<KeyValuePair<string, string>> statuses,
        Action<object> push,
        Func<InSync, object> inSync)
    {
        var items = wanted.ToList();
        var digest = items.Count == 0
            ? ""
            : Digest.Of(items.Select(i => KeyValuePair.Create(i.Id, i.Generation.ToString())));
        var unchanged = digest == hello.DesiredDigest;
        if (!unchanged) items.ForEach(i => push(i.Upsert));
        push(inSync(new InSync { Unchanged = unchanged, SendStatuses = Digest.Of(statuses) != hello.StatusDigest }));
    }

    private sealed class Writer<T>(Action<T> take, Action? complete = null) : IClientStreamWriter<T>
    {
        public WriteOptions? WriteOptions { get; set; }

        public Task WriteAsync(T message)
        {
            take(message);
            return Task.CompletedTask;
        }

        public Task WriteAsync(T message, CancellationToken cancellationToken) => WriteAsync(message);

        public Task CompleteAsync()
        {
            complete?.Invoke();
            return Task.CompletedTask;
        }
    }

    private sealed class Reader<T>(ChannelReader<T> from) : IAsyncStreamReader<T>
    {
        public T Current { get; private set; } = default!;

        public async Task<bool> MoveNext(CancellationToken cancellationToken)
        {
            while (await from.WaitToReadAsync(cancellationToken))
            {
                if (!from.TryRead(out var message)) continue;
                Current = message;
                return true;
            }

            return false;
        }
    }

    public override TResponse BlockingUnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) =>
        throw new NotSupportedException();

    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) =>
        throw new NotSupportedException();

    public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) =>
        throw new NotSupportedException();

    public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options)
    {
        var answer = new TaskCompletionSource<TResponse>(TaskCreationOptions.RunContinuationsAsynchronously);
        var (snapshot, content) = ("", new MemoryStream());
        if (RefusesUploads is { } code)
        {
            Interlocked.Increment(ref refusedUploads);
            answer.SetException(new RpcException(new Status(code, "away")));
        }

        var writer = new Writer<TRequest>(
            message =>
            {
                var part = (UploadSnapshotRequest)(object)message!;
                if (part.Header is { } header) snapshot = header.Snapshot;
                else part.Chunk.WriteTo(content);
            },
            () =>
            {
                if (!answer.TrySetResult((TResponse)(object)new UploadSnapshotResponse())) return;
                Uploads.GetOrAdd(snapshot, _ => []).Enqueue(content.ToArray());
            });
        return new AsyncClientStreamingCall<TRequest, TResponse>(
            writer, answer.Task, Task.FromResult(new Metadata()), () => Status.DefaultSuccess, () => [], () => { });
    }
}
