using System.Collections.Concurrent;
using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Monolith.Compute.V1;

namespace Monolith.Cli.Tests.Fake;

/// <summary>A server whose console says what it is told to, and keeps what is typed.</summary>
internal sealed class Consoles : ServerConsoleService.ServerConsoleServiceBase
{
    readonly TaskCompletionSource connected = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What every console says first.</summary>
    public string Greeting { get; set; } = "";

    public ConcurrentQueue<IMessage> Requests { get; } = new();

    public StringBuilder Typed { get; } = new();

    /// <summary>The server says it again, and then ends the session with this when it has read the word.</summary>
    public (string Word, RpcException Cause)? Ends { get; set; }

    /// <summary>Refuses whoever comes.</summary>
    public RpcException? Refusal { get; set; }

    public byte[] Picture { get; set; } = [];

    /// <summary>When somebody has connected.</summary>
    public Task Connected => connected.Task.WaitAsync(TimeSpan.FromSeconds(30));

    public override async Task ConnectConsole(IAsyncStreamReader<ConnectConsoleRequest> requests,
        IServerStreamWriter<ConnectConsoleResponse> responses, ServerCallContext context)
    {
        await requests.MoveNext();
        Requests.Enqueue(requests.Current);
        if (Refusal is not null) throw Refusal;
        await SayAsync(Greeting);
        connected.TrySetResult();
        while (await requests.MoveNext())
        {
            var text = requests.Current.Data.ToStringUtf8();
            lock (Typed) Typed.Append(text);
            await SayAsync(text.ToUpperInvariant());
            if (Ends is { } end && text.Contains(end.Word, StringComparison.Ordinal)) throw end.Cause;
        }
        // Who has typed all may look on.
        await Silence.Async(context);

        Task SayAsync(string text) => responses.WriteAsync(new() { Data = ByteString.CopyFromUtf8(text) });
    }

    public override async Task ReadConsoleLog(ReadConsoleLogRequest request,
        IServerStreamWriter<ReadConsoleLogResponse> responses, ServerCallContext context)
    {
        Requests.Enqueue(request);
        foreach (var part in Greeting.Chunk(7))
            await responses.WriteAsync(new() { Data = ByteString.CopyFromUtf8(new string(part)) });
        connected.TrySetResult();
        if (request.Follow) await Silence.Async(context);
    }

    public override Task<TakeScreenshotResponse> TakeScreenshot(TakeScreenshotRequest request, ServerCallContext context)
    {
        Requests.Enqueue(request);
        return Task.FromResult(new TakeScreenshotResponse { Png = ByteString.CopyFrom(Picture) });
    }
}
