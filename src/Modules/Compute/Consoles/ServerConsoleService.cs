using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Monolith.Agent.V1;
using Monolith.Compute.Servers;
using Monolith.Compute.V1;
using Monolith.Compute.Vms;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;
using Kind = Monolith.Agent.V1.OpenSession.Types.Kind;

namespace Monolith.Compute.Consoles;

/// <summary>What viewers ask: finds the server's vm, opens a session with it, and passes on what is said.</summary>
internal sealed partial class ServerConsoleService(Store<ComputeDb> store, ConsoleSessions sessions, ConsoleOptions options,
    TimeProvider time, ILogger<ServerConsoleService> log)
    : V1.ServerConsoleService.ServerConsoleServiceBase
{
    const int LargestPicture = 3 << 20;
    const int TailLines = 50;

    public override async Task ConnectConsole(IAsyncStreamReader<ConnectConsoleRequest> requests,
        IServerStreamWriter<ConnectConsoleResponse> responses, ServerCallContext context)
    {
        if (!await requests.MoveNext(context.CancellationToken))
            throw Fault.Invalid("name", "is required: the first message names the server");
        var first = requests.Current;
        var tail = first.HasTailLines ? first.TailLines : TailLines;
        var violations = new Violations();
        violations.Require(tail is >= 0 and <= 1000, "tail_lines", "must be 0 to 1000");
        var vm = await FindAsync(first.Name, violations);
        using var left = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken);
        await using var session = await sessions.OpenAsync(vm, new() { Kind = Kind.Console, TailLines = tail }, left.Token);
        var showing = PassAsync(session, (data, either) =>
            responses.WriteAsync(new ConnectConsoleResponse { Data = data }, either), left.Token);
        var typing = TypeAsync(session, first, requests, left.Token);
        LogConnected(first.Name, context.GetCall().Caller.Name);
        try
        {
            // Who has no more to type may go on looking.
            if (await Task.WhenAny(showing, typing) == typing) await typing;
            await showing;
        }
        catch (Fault fault) when (fault.Reason == ConsoleFaults.NotRunning)
        {
            // What has stopped may be no more than what the server has left behind.
            if (await HasLeftAsync(first.Name, vm)) throw ConsoleFaults.Moved(first.Name);
            throw;
        }
        finally
        {
            await left.CancelAsync();
            await Task.WhenAll(Quiet(showing), Quiet(typing));
        }
    }

    public override async Task ReadConsoleLog(ReadConsoleLogRequest request,
        IServerStreamWriter<ReadConsoleLogResponse> responses, ServerCallContext context)
    {
        var violations = new Violations();
        violations.Require(!request.HasTailLines || request.TailLines >= 0, "tail_lines", "must be 0 or more");
        var vm = await FindAsync(request.Name, violations);
        await using var session = await sessions.OpenAsync(vm, new()
        {
            Kind = Kind.Log,
            TailLines = request.HasTailLines ? request.TailLines : -1,
            Follow = request.Follow,
        }, context.CancellationToken);
        await PassAsync(session, (data, either) =>
            responses.WriteAsync(new ReadConsoleLogResponse { Data = data }, either), context.CancellationToken);
    }

    public override async Task<TakeScreenshotResponse> TakeScreenshot(TakeScreenshotRequest request,
        ServerCallContext context)
    {
        var vm = await FindAsync(request.Name, new());
        var cancel = context.CancellationToken;
        await using var session = await sessions.OpenAsync(vm, new() { Kind = Kind.Screenshot }, cancel);
        using var late = new CancellationTokenSource(options.Picture, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, late.Token);
        using var picture = new MemoryStream();
        try
        {
            while (await session.NextAsync(either.Token) is { } part)
            {
                part.WriteTo(picture);
                if (picture.Length > LargestPicture) throw ConsoleFaults.TooLarge(request.Name);
            }
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw ConsoleFaults.Lost(request.Name, $"no picture within {options.Picture.TotalSeconds:0} s");
        }
        return new TakeScreenshotResponse
        {
            Png = ByteString.CopyFrom(picture.GetBuffer(), 0, (int)picture.Length),
            TakeTime = time.GetUtcNow().ToTimestamp(),
        };
    }

    /// <summary>The server's present vm, where there is one and the request is right.</summary>
    async Task<VmRow> FindAsync(string name, Violations violations)
    {
        ResourceName.Parse("projects/*/servers/*", name, "name", violations);
        violations.ThrowIfAny();
        var found = await store.ReadAsync(db => ServerQueries.WithVm(db, name)) ?? throw Fault.NotFound(name);
        return found.Vm is { Power: not VmPower.Absent } vm ? vm : throw ConsoleFaults.NoMachine(name);
    }

    async Task<bool> HasLeftAsync(string server, VmRow vm) =>
        (await store.ReadAsync(db => ServerQueries.WithVm(db, server)))?.Vm?.Uid != vm.Uid;

    static async Task PassAsync(ConsoleSession session, Func<ByteString, CancellationToken, Task> show,
        CancellationToken cancel)
    {
        while (await session.NextAsync(cancel) is { } data)
            await session.StepAsync(async either =>
            {
                await show(data, either);
                return true;
            }, cancel);
    }

    static async Task TypeAsync(ConsoleSession session, ConnectConsoleRequest first,
        IAsyncStreamReader<ConnectConsoleRequest> requests, CancellationToken cancel)
    {
        var request = first;
        while (true)
        {
            if (request.Data.Length > ConsoleSession.ChunkBytes)
                throw Fault.Invalid("data", $"has {request.Data.Length} bytes, and may have {ConsoleSession.ChunkBytes}");
            if (request.Data.Length > 0 && !await TypedAsync(session, request.Data, cancel)) return;
            if (!await requests.MoveNext(cancel)) return;
            request = requests.Current;
        }
    }

    /// <returns>False: the agent takes no more; what it says last tells why.</returns>
    static async Task<bool> TypedAsync(ConsoleSession session, ByteString data, CancellationToken cancel)
    {
        try
        {
            await session.TypeAsync(data, cancel);
            return true;
        }
        catch (Fault fault) when (fault.Code == StatusCode.Unavailable)
        {
            return false;
        }
    }

    [LoggerMessage(LogLevel.Information, "{Caller} is at the console of {Server}")]
    partial void LogConnected(string server, string caller);

    static async Task Quiet(Task task) => await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}
