using System.Net;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using Monolith.Compute.V1;
using Monolith.Host.Access;
using Monolith.Host.Tests.Cloud;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;

namespace Monolith.Host.Tests.Access;

/// <summary>What one caller may have, and what becomes of who has more.</summary>
public sealed class PaceTests
{
    static readonly CallLimits Small = new() { CallerRate = 10, CallerCalls = 3, CallerStreams = 2, Calls = 4, Refusals = 1 };

    [Fact]
    public void WhoCallsTooFast_IsToldWhenToTryAgain_AndNobodyElseSuffers()
    {
        using var pace = new Pace(Small);
        for (var i = 0; i < 20; i++) pace.Enter("users/loop", isStream: false).Dispose();
        var refused = Assert.Throws<Fault>(() => pace.Enter("users/loop", isStream: false));
        Assert.Equal((StatusCode.ResourceExhausted, "CALLER_TOO_FAST"), (refused.Code, refused.Reason));
        Assert.InRange(refused.RetryAfter!.Value, TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(2));
        pace.Enter("users/calm", isStream: false).Dispose();
    }

    [Fact]
    public void CallsAndStreams_AreCountedApart_AndPlacesAreGivenBack()
    {
        using var pace = new Pace(Small);
        var calls = Enumerable.Range(0, 3).Select(_ => pace.Enter("users/a", isStream: false)).ToList();
        Assert.Equal("CALLER_HAS_TOO_MANY_CALLS", Assert.Throws<Fault>(() => pace.Enter("users/a", isStream: false)).Reason);
        var streams = Enumerable.Range(0, 2).Select(_ => pace.Enter("users/a", isStream: true)).ToList();
        Assert.Equal("CALLER_HAS_TOO_MANY_STREAMS", Assert.Throws<Fault>(() => pace.Enter("users/a", isStream: true)).Reason);
        calls[0].Dispose();
        calls[0] = pace.Enter("users/a", isStream: false);
        // All together: three of the one, one of another, and no more.
        var other = pace.Enter("users/b", isStream: false);
        Assert.Equal("HOST_BUSY", Assert.Throws<Fault>(() => pace.Enter("users/c", isStream: false)).Reason);
        other.Dispose();
        // Who was refused for all the others has kept no place of its own.
        var own = Enumerable.Range(0, 3).Select(_ =>
        {
            calls[0].Dispose();
            return calls[0] = pace.Enter("users/c", isStream: false);
        }).ToList();
        foreach (var place in calls.Concat(streams).Concat(own)) place.Dispose();
        pace.Enter("users/a", isStream: true).Dispose();
    }

    [Fact]
    public void ACredentialThatIsNone_CostsItsAddress_WhichIsANetworkInIPv6()
    {
        using var pace = new Pace(Small);
        for (var i = 0; i < 20; i++) pace.Disbelieved(IPAddress.Parse($"2001:db8::{i:x}"));
        Assert.Equal("ADDRESS_REFUSED_TOO_OFTEN",
            Assert.Throws<Fault>(() => pace.Disbelieved(IPAddress.Parse("2001:db8::ffff:1"))).Reason);
        pace.Disbelieved(IPAddress.Parse("2001:db8:0:1::1"));
        pace.Disbelieved(IPAddress.Parse("192.0.2.1"));
        Assert.Equal("192.0.2.1", Peer.Neighbourhood(IPAddress.Parse("::ffff:192.0.2.1")));
    }

    [Fact]
    public async Task AReaderThatDoesNotRead_IsLeft()
    {
        var time = new FakeTimeProvider();
        var (left, stuck) = (0, new Stream<string>());
        var writer = Patience.Toward(stuck, TimeSpan.FromMinutes(2), time, () => left++);
        var writing = writer.WriteAsync("one");
        time.Advance(TimeSpan.FromSeconds(119));
        Assert.False(writing.IsCompleted);
        stuck.Go.SetResult(true);
        await writing;
        stuck.Go = new();
        writing = writer.WriteAsync("two");
        time.Advance(TimeSpan.FromSeconds(121));
        Assert.Equal("READER_TOO_SLOW", (await Assert.ThrowsAsync<Fault>(() => writing)).Reason);
        Assert.Equal(1, left);
    }

    [Fact]
    public async Task ASenderThatDoesNotSend_IsTold()
    {
        var time = new FakeTimeProvider();
        var stuck = new Stream<string>();
        var reader = Patience.With(stuck, TimeSpan.FromMinutes(2), time);
        var reading = reader.MoveNext(TestContext.Current.CancellationToken);
        stuck.Go.SetResult(true);
        Assert.True(await reading);
        stuck.Go = new();
        reading = reader.MoveNext(TestContext.Current.CancellationToken);
        time.Advance(TimeSpan.FromSeconds(121));
        Assert.Equal("SENDER_TOO_SLOW", (await Assert.ThrowsAsync<Fault>(() => reading)).Reason);
    }

    /// <summary>Over the wire: of streams, and of tokens that are none.</summary>
    [Fact]
    public async Task OverTheWire_ItIsSaid_AndWhoEndsAStreamHasItsPlaceAgain()
    {
        await using var host = new RunningHost { Fleet = 0, Limits = new() { CallerStreams = 3, Refusals = 2 } };
        await host.InitializeAsync();
        var servers = new ServerService.ServerServiceClient(host.Invoker);
        var token = await host.UserAsync("watcher", ("roles/reader", "projects/own"));
        AsyncServerStreamingCall<WatchServersResponse> Watch() =>
            servers.WatchServers(new() { Parent = "projects/own" }, host.Headers(token));
        var open = Enumerable.Range(0, 3).Select(_ => Watch()).ToList();
        foreach (var watch in open) Assert.True(await watch.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
        var refused = await Assert.ThrowsAsync<RpcException>(() => Watch().ResponseStream.MoveNext(TestContext.Current.CancellationToken));
        Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
        Assert.NotNull(refused.GetRpcStatus()!.GetDetail<Google.Rpc.RetryInfo>());
        Assert.Equal("CALLER_HAS_TOO_MANY_STREAMS", refused.GetRpcStatus()!.GetDetail<Google.Rpc.ErrorInfo>()!.Reason);
        open[0].Dispose();
        await RunningHost.UntilAsync(async () =>
        {
            using var again = Watch();
            try
            {
                return await again.ResponseStream.MoveNext(TestContext.Current.CancellationToken);
            }
            catch (RpcException e) when (e.StatusCode == StatusCode.ResourceExhausted)
            {
                return false;
            }
        }, "there is a place again");

        var codes = new List<StatusCode>();
        while (codes.Count < 2_000 && !codes.Contains(StatusCode.ResourceExhausted))
            codes.Add((await Assert.ThrowsAsync<RpcException>(() => servers.GetServerAsync(
                new() { Name = "projects/own/servers/x" }, host.Headers("mt1_guess")).ResponseAsync)).StatusCode);
        Assert.Equal([StatusCode.Unauthenticated, StatusCode.ResourceExhausted], codes.Distinct());
        // From the same address, who has a token is served.
        await servers.ListServersAsync(new() { Parent = "projects/own" }, host.Headers(token));
    }

    sealed class Stream<T> : IServerStreamWriter<T>, IAsyncStreamReader<T>
    {
        public TaskCompletionSource<bool> Go { get; set; } = new();
        public WriteOptions? WriteOptions { get; set; }
        public T Current => default!;
        public Task WriteAsync(T message) => Go.Task;
        public Task<bool> MoveNext(CancellationToken cancellationToken) => Go.Task;
    }
}
