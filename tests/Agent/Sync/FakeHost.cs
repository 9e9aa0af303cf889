using Google.Protobuf;
using Grpc.Core;
using Monolith.Agent.Sync;
using Monolith.Agent.V1;
using Monolith.Protos;

namespace Monolith.Agent.Tests.Sync;

/// <summary>
/// The host's side of sync.proto for address sets' stand-ins: vms with an id and a generation. Pure: it makes the
/// messages of a stream and takes those of the agent.
/// </summary>
internal sealed class FakeHost
{
    public SortedDictionary<string, ulong> Wanted { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, string> Statuses { get; } = new(StringComparer.Ordinal);

    public List<Downlink> Greet(Hello hello)
    {
        var digest = Wanted.Count == 0
            ? ""
            : Digest.Of(Wanted.Select(w => KeyValuePair.Create(w.Key, w.Value.ToString())));
        var unchanged = digest == hello.DesiredDigest;
        var send = Digest.Of(Statuses) != hello.StatusDigest;
        var messages = unchanged ? [] : Wanted.Select(w => Upsert(w.Key, w.Value)).ToList();
        messages.Add(new Downlink.InSync(unchanged, send));
        return messages;
    }

    /// <summary>What an agent said with its call.</summary>
    public static Hello HelloIn(Metadata? headers) => Hello.Parser.ParseFrom(
        headers?.GetValueBytes(HelloHeader.Name) ?? throw new InvalidOperationException("The call has no hello."));

    public static Downlink Upsert(string id, ulong generation) =>
        new Downlink.Upsert(new DesiredItem(id, generation, new Vm { Id = id, Generation = generation }));
}

/// <summary>A concern whose stream is a fake host, cut after a given number of messages.</summary>
internal sealed class FakeConcern(Func<Hello, ISyncCall> open) : IConcern
{
    public string Name => "vms";

    public ISyncCall Open(CallInvoker invoker, Metadata headers, CancellationToken cancellation) =>
        open(FakeHost.HelloIn(headers));

    public IMessage Parse(string key, ByteString body) => VmConcern.Instance.Parse(key, body);

    public void SetDigest(IMessage status, string digest) => VmConcern.Instance.SetDigest(status, digest);
}

/// <summary>One stream: the agent's messages go to <paramref name="onUplink"/>.</summary>
internal sealed class FakeCall(Action<Uplink> onUplink) : ISyncCall
{
    private readonly System.Threading.Channels.Channel<Downlink> down =
        System.Threading.Channels.Channel.CreateUnbounded<Downlink>();

    public Downlink Current { get; private set; } = new Downlink.Unknown();

    public void Push(Downlink message) => down.Writer.TryWrite(message);

    public void End(Exception? fault = null) => down.Writer.TryComplete(fault);

    public async Task<bool> MoveNextAsync(CancellationToken cancellation)
    {
        while (await down.Reader.WaitToReadAsync(cancellation))
        {
            if (!down.Reader.TryRead(out var message)) continue;
            Current = message;
            return true;
        }

        return false;
    }

    public Task SendAsync(Uplink message, CancellationToken cancellation)
    {
        onUplink(message);
        return Task.CompletedTask;
    }

    public void Dispose() => End();
}
