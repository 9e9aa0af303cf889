using Grpc.Core;
using Microsoft.Extensions.Logging;
using Monolith.Modules.Tests.Calls;
using Monolith.Platform.Faults;

namespace Monolith.Modules.Tests.Platform;

/// <summary>How a stream ends whose reader has gone.</summary>
public sealed class FaultInterceptorTests
{
    [Fact]
    public async Task AWatcherThatGoesAway_IsNoError()
    {
        using var away = new CancellationTokenSource();
        var log = new Lines();
        var e = await Assert.ThrowsAsync<RpcException>(() => WatchAsync(log, new FakeCall(cancel: away.Token), async stream =>
        {
            await stream.WriteAsync("heard", away.Token);
            await away.CancelAsync();
            await stream.WriteAsync("lost", CancellationToken.None);
        }, away.Token));
        Assert.Equal(StatusCode.Cancelled, e.StatusCode);
        Assert.Empty(log.Written);
    }

    /// <summary>What a method does wrong is not to hide behind that.</summary>
    [Fact]
    public async Task AMistakeWhileTheWatcherGoesAway_IsStillOne()
    {
        using var away = new CancellationTokenSource();
        var log = new Lines();
        var e = await Assert.ThrowsAsync<RpcException>(() => WatchAsync(log, new FakeCall(cancel: away.Token), async _ =>
        {
            await away.CancelAsync();
            throw new InvalidOperationException("a mistake");
        }, away.Token));
        Assert.Equal(StatusCode.Internal, e.StatusCode);
        Assert.Single(log.Written);
    }

    static Task WatchAsync(Lines log, FakeCall call, Func<IServerStreamWriter<string>, Task> watch, CancellationToken away) =>
        new FaultInterceptor(log).ServerStreamingServerHandler<string, string>("", new Ended(away), call,
            (_, stream, _) => watch(stream));

    /// <summary>Answers as ASP.NET Core's: a request that has ended takes no message.</summary>
    sealed class Ended(CancellationToken away) : IServerStreamWriter<string>
    {
        public WriteOptions? WriteOptions { get; set; }

        public Task WriteAsync(string message) => away.IsCancellationRequested
            ? throw new InvalidOperationException("Can't write the message because the request is complete.")
            : Task.CompletedTask;

        public Task WriteAsync(string message, CancellationToken cancellationToken) => WriteAsync(message);
    }

    sealed class Lines : ILogger<FaultInterceptor>
    {
        public List<string> Written { get; } = [];

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter) => Written.Add(formatter(state, exception));
    }
}
