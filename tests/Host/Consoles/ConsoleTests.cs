using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Monolith.Compute.V1;
using Monolith.Host.Tests.Cloud;
using Monolith.Identity.V1;

namespace Monolith.Host.Tests.Consoles;

/// <summary>Consoles of servers, over the wire: viewer, host, agent and guest.</summary>
public sealed class ConsoleTests(RunningHost host)
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    readonly ServerConsoleService.ServerConsoleServiceClient consoles = new(host.Invoker);
    readonly ServerService.ServerServiceClient servers = new(host.Invoker);

    Metadata By => host.Headers(host.OwnersToken);

    [Fact]
    public async Task SeveralViewers_SeeWhatEachTypes_AndOneWhoLeavesDisturbsNobody()
    {
        var server = await ReadyAsync("console");
        using var one = new Screen(Connect(server));
        await one.SeesAsync("console is up");
        using (var other = new Screen(Connect(server)))
        {
            await other.SeesAsync("console is up");
            await other.TypeAsync("from other\r");
            await one.SeesAsync("from other\r\nfrom other");
            await one.TypeAsync("from one\r");
            await other.SeesAsync("from one\r\nfrom one");
        }
        await one.TypeAsync("alone\r");
        await one.SeesAsync("alone\r\nalone");
        // Typing has an end, and looking has not.
        await one.Call.RequestStream.CompleteAsync();
        using var last = new Screen(Connect(server, "typed at once\r", tail: 0));
        await one.SeesAsync("typed at once\r\ntyped at once");
        await last.SeesAsync("typed at once\r\ntyped at once");
        Assert.DoesNotContain("is up", last.Seen, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ALog_IsReadAndFollowed_AndAReaderMayNotType()
    {
        var server = await ReadyAsync("log");
        var reader = host.Headers(await host.UserAsync("log-reader", ("roles/reader", host.Own.Name)));
        Assert.Contains("Linux version", await LogAsync(new() { Name = server }, reader), StringComparison.Ordinal);
        Assert.Equal("log is up\r\n# ", await LogAsync(new() { Name = server, TailLines = 2 }, reader));
        Assert.Equal("", await LogAsync(new() { Name = server, TailLines = 0 }, reader));
        Assert.Equal([137, 80, 78, 71], (await consoles.TakeScreenshotAsync(new() { Name = server }, reader)).Png.Take(4));

        using var following = consoles.ReadConsoleLog(new() { Name = server, Follow = true, TailLines = 0 }, reader);
        using var screen = new Screen(Connect(server));
        await screen.SeesAsync("is up");
        var seen = "";
        using var patience = new CancellationTokenSource(Patience);
        while (!seen.Contains("heard\r\nheard", StringComparison.Ordinal))
        {
            var news = following.ResponseStream.MoveNext(patience.Token);
            // Again until it follows: what is typed earlier is no news to it.
            do await screen.TypeAsync("heard\r");
            while (await Task.WhenAny(news, Task.Delay(200, patience.Token)) != news);
            Assert.True(await news);
            seen += following.ResponseStream.Current.Data.ToStringUtf8();
        }

        await RefusedAsync(StatusCode.PermissionDenied, "PERMISSION_MISSING", Connect(server, by: reader));
    }

    [Fact]
    public async Task WhenTheServerStops_ItsSessionsEndWithTheCause_AndItsLogCanBeRead()
    {
        var server = await ReadyAsync("stopping");
        using var screen = new Screen(Connect(server));
        await screen.SeesAsync("is up");
        await servers.StopServerAsync(new() { Name = server, Hard = true }, By);
        var e = await Assert.ThrowsAsync<RpcException>(() => screen.Ended.WaitAsync(Patience));
        Assert.Equal((StatusCode.FailedPrecondition, "SERVER_NOT_RUNNING"), (e.StatusCode, Reason(e)));
        Assert.Contains("Power down", screen.Seen, StringComparison.Ordinal);
        await RefusedAsync(StatusCode.FailedPrecondition, "SERVER_NOT_RUNNING", Connect(server));
        var shot = await Assert.ThrowsAsync<RpcException>(
            () => consoles.TakeScreenshotAsync(new() { Name = server }, By).ResponseAsync);
        Assert.Equal("SERVER_NOT_RUNNING", Reason(shot));
        Assert.EndsWith("Power down\r\n", await LogAsync(new() { Name = server }, By), StringComparison.Ordinal);
    }

    /// <summary>Their calls are one after another on the agent's one connection, where its streams are as well.</summary>
    [Fact]
    public async Task ViewersComeAndGo_InTheMiddleOfWhatIsSaid()
    {
        var server = await ReadyAsync("coming");
        for (var round = 0; round < 10; round++)
        {
            using var screen = new Screen(Connect(server, $"round {round}\r"));
            // What the one before typed last may stand on the same line.
            await screen.SeesAsync($"round {round}\r\n");
            await screen.TypeAsync(new string('x', 10_000));
            Assert.Equal([137, 80, 78, 71], (await consoles.TakeScreenshotAsync(new() { Name = server }, By)).Png.Take(4));
        }
    }

    /// <summary>Whatever it says, a node learns nothing of sessions that are not its own.</summary>
    [Fact]
    public async Task ANodeThatWasNotAsked_CarriesNothing()
    {
        var server = await ReadyAsync("guarded");
        using var screen = new Screen(Connect(server));
        await screen.SeesAsync("is up");
        using var channel = await host.JoinedAsync("eavesdropper", NodeRole.Hypervisor);
        using var call = new Agent.V1.ConsoleService.ConsoleServiceClient(channel).CarrySession();
        await call.RequestStream.WriteAsync(new() { Session = new string('0', 64) });
        var e = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(default));
        Assert.Equal(StatusCode.NotFound, e.StatusCode);
        await screen.TypeAsync("still mine\r");
        await screen.SeesAsync("still mine\r\nstill mine");
    }

    [Fact]
    public async Task WithoutAMachine_ThatIsTheCause()
    {
        await new FlavorService.FlavorServiceClient(host.Invoker).CreateFlavorAsync(new()
        {
            FlavorId = "nowhere", Flavor = new() { Vcpus = 200, MemoryMib = 64, DiskGib = 1 },
        }, host.Headers());
        var server = (await servers.CreateServerAsync(new()
        {
            Parent = host.Own.Name,
            ServerId = "nowhere",
            Server = new()
            {
                Flavor = "flavors/nowhere",
                Image = host.Own.Name + "/images/r1",
                Networks = { new ServerNetwork { Network = host.Own.Name + "/networks/r1" } },
            },
        }, By)).Name;
        await RefusedAsync(StatusCode.FailedPrecondition, "SERVER_HAS_NO_MACHINE", Connect(server));
        await servers.DeleteServerAsync(new() { Name = server }, By);
    }

    [Fact]
    public async Task WhatIsWrongInARequest_IsToldAtOnce()
    {
        using var call = consoles.ConnectConsole(By);
        await call.RequestStream.WriteAsync(new() { Name = host.Own.Name + "/servers", TailLines = 1001 });
        var e = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(default));
        Assert.Equal(["tail_lines", "name"], e.GetRpcStatus()!.GetDetail<Google.Rpc.BadRequest>()!.FieldViolations.Select(f => f.Field));

        var server = await ReadyAsync("wrong");
        using var screen = new Screen(Connect(server));
        await screen.SeesAsync("is up");
        await screen.Call.RequestStream.WriteAsync(new() { Data = ByteString.CopyFrom(new byte[40_000]) });
        e = await Assert.ThrowsAsync<RpcException>(() => screen.Ended.WaitAsync(Patience));
        Assert.Equal(StatusCode.InvalidArgument, e.StatusCode);
    }

    AsyncDuplexStreamingCall<ConnectConsoleRequest, ConnectConsoleResponse> Connect(
        string server, string typed = "", int? tail = null, Metadata? by = null)
    {
        var call = consoles.ConnectConsole(by ?? By, DateTime.UtcNow + Patience);
        var first = new ConnectConsoleRequest { Name = server, Data = ByteString.CopyFromUtf8(typed) };
        if (tail is { } lines) first.TailLines = lines;
        _ = call.RequestStream.WriteAsync(first);
        return call;
    }

    static async Task RefusedAsync(StatusCode code, string reason,
        AsyncDuplexStreamingCall<ConnectConsoleRequest, ConnectConsoleResponse> call)
    {
        using (call)
        {
            var e = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(default));
            Assert.Equal((code, reason), (e.StatusCode, Reason(e)));
        }
    }

    async Task<string> LogAsync(ReadConsoleLogRequest request, Metadata by)
    {
        using var call = consoles.ReadConsoleLog(request, by, DateTime.UtcNow + Patience);
        var text = new StringBuilder();
        while (await call.ResponseStream.MoveNext(default)) text.Append(call.ResponseStream.Current.Data.ToStringUtf8());
        return text.ToString();
    }

    async Task<string> ReadyAsync(string id)
    {
        var name = (await host.Own.CreateServerAsync(host, id)).Name;
        await RunningHost.UntilAsync(async () => (await servers.GetServerAsync(new() { Name = name }, By)).State
            == Server.Types.State.Ready, $"{name} is ready");
        return name;
    }

    static string? Reason(RpcException e) => e.GetRpcStatus()?.GetDetail<Google.Rpc.ErrorInfo>()?.Reason;

    /// <summary>One viewer at a console.</summary>
    sealed class Screen : IDisposable
    {
        readonly Lock gate = new();
        readonly StringBuilder seen = new();
        TaskCompletionSource news = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Screen(AsyncDuplexStreamingCall<ConnectConsoleRequest, ConnectConsoleResponse> call)
        {
            Call = call;
            Ended = Task.Run(ReadAsync);
        }

        public AsyncDuplexStreamingCall<ConnectConsoleRequest, ConnectConsoleResponse> Call { get; }

        public Task Ended { get; }

        public string Seen
        {
            get
            {
                lock (gate) return seen.ToString();
            }
        }

        public Task TypeAsync(string text) =>
            Call.RequestStream.WriteAsync(new() { Data = ByteString.CopyFromUtf8(text) });

        public async Task SeesAsync(string text)
        {
            while (true)
            {
                Task waiting;
                lock (gate)
                {
                    if (seen.ToString().Contains(text, StringComparison.Ordinal)) return;
                    waiting = news.Task;
                }
                if (await Task.WhenAny(waiting, Ended) == waiting) continue;
                Assert.True(Seen.Contains(text, StringComparison.Ordinal), $"{text}: {Ended.Exception} after {Seen}");
            }
        }

        async Task ReadAsync()
        {
            while (await Call.ResponseStream.MoveNext(default))
                lock (gate)
                {
                    seen.Append(Call.ResponseStream.Current.Data.ToStringUtf8());
                    news.TrySetResult();
                    news = new(TaskCreationOptions.RunContinuationsAsynchronously);
                }
        }

        public void Dispose() => Call.Dispose();
    }
}
