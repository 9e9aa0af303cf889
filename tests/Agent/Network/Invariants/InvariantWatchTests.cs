using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Monolith.Agent.Network.Invariants;
using Monolith.Agent.Routing;
using Monolith.Agent.Tests.Lab;
using Monolith.Agent.V1;

namespace Monolith.Agent.Tests.Network.Invariants;

/// <summary>What is looked at, and what the host is told of it.</summary>
public sealed class InvariantWatchTests
{
    private readonly FakeTimeProvider time = new();
    private readonly Told host = new();
    private Func<MachineFacts?> facts = () => Machine.Of(2).Facts;
    private Func<FabricPaths> paths = () => Machine.Of(2).Paths;

    private InvariantWatch Watch => field ??= new(
        _ => Task.FromResult(facts()), (_, _) => Task.FromResult(paths()), () => host, time, NullLogger.Instance);

    private async Task<ReportBreachesRequest?> LookAsync(int seconds = 1)
    {
        time.Advance(TimeSpan.FromSeconds(seconds));
        return await Watch.LookAsync(DataPlaneLab.Cancellation);
    }

    [Fact]
    public async Task AHealthyMachine_TellsItsServersAddresses()
    {
        var report = await LookAsync();
        Assert.Empty(report!.Breaches);
        Assert.Equal(
            Machine.Of(2).Facts.Plans.SelectMany(p => p.Addresses).ToHashSet(),
            Split(report.Ipv4Addresses, 4).Concat(Split(report.Ipv6Addresses, 16)).ToHashSet());

        static IEnumerable<System.Net.IPAddress> Split(ByteString packed, int length) =>
            packed.ToByteArray().Chunk(length).Select(a => new System.Net.IPAddress(a));
        Assert.Equal(report, await LookAsync());
    }

    [Fact]
    public async Task BeforeTheMachineIsPrepared_NothingIsSaid()
    {
        facts = () => null;
        Assert.Null(await LookAsync());
    }

    [Fact]
    public async Task AMachineThatCannotBeRead_IsNotHealthy()
    {
        facts = () => throw new IOException("no netlink");
        var breach = Assert.Single((await LookAsync())!.Breaches);
        Assert.Equal("NOT_CHECKED", breach.Code);
        Assert.Contains("no netlink", breach.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ADaemonThatDoesNotAnswer_SpeaksToNobody()
    {
        paths = () => throw new IOException("BIRD went away");
        Assert.Empty((await LookAsync())!.Breaches);
        Assert.Empty((await LookAsync())!.Breaches);
        var breach = Assert.Single((await LookAsync())!.Breaches);
        Assert.Equal(("NO_NEXT_HOP", "fabric"), (breach.Code, breach.Subject));
        Assert.Contains("BIRD went away", breach.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheHost_IsToldWhatChanges_AtTheNextLook()
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(DataPlaneLab.Cancellation);
        var run = Watch.RunAsync(stop.Token);
        await Eventually.HoldsAsync(() => host.Requests.Count == 1, "the first report");
        var tap = Machine.Of(2).Tap(0);
        facts = () => Machine.Of(2).Change(tap, t => t with { Master = 7 }).Facts;
        await PassAsync(() => host.Requests.Count == 2, "a breach");
        Assert.Equal("TAP_ENSLAVED", Assert.Single(host.Requests.Last().Breaches).Code);
        facts = () => Machine.Of(2).Facts;
        await PassAsync(() => host.Requests.Count == 3, "its end");
        Assert.NotNull(Assert.Single(host.Requests.Last().Breaches).Mended);
        await stop.CancelAsync();
        await run;

        // A second is the time between looks, whoever waits for it.
        Task PassAsync(Func<bool> reached, string what) => Eventually.HoldsAsync(
            () =>
            {
                time.Advance(TimeSpan.FromMilliseconds(100));
                return reached();
            },
            what);
    }

    private sealed class Told : CallInvoker
    {
        public System.Collections.Concurrent.ConcurrentQueue<ReportBreachesRequest> Requests { get; } = [];

        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
        {
            Requests.Enqueue((ReportBreachesRequest)(object)request);
            return new(Task.FromResult((TResponse)(object)new ReportBreachesResponse()), Task.FromResult(new Grpc.Core.Metadata()),
                () => Status.DefaultSuccess, () => [], () => { });
        }

        public override TResponse BlockingUnaryCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) => throw new NotSupportedException();

        public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) => throw new NotSupportedException();

        public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options) => throw new NotSupportedException();

        public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options) => throw new NotSupportedException();
    }
}
