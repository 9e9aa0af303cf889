using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Monolith.Platform.Reconciling;

namespace Monolith.Modules.Tests.Platform;

public sealed class ReconcilerTests
{
    [Fact]
    public async Task Wake_DuringTheWork_LeadsToAnotherRound_AndNeverToTwoAtOnce()
    {
        var running = 0;
        var rounds = 0;
        var done = new TaskCompletionSource();
        Reconciler<string>? loop = null;
        loop = new Reconciler<string>("test", async (key, _) =>
        {
            Assert.Equal(1, Interlocked.Increment(ref running));
            if (Interlocked.Increment(ref rounds) < 50) loop!.Wake(key);
            else done.TrySetResult();
            await Task.Yield();
            Interlocked.Decrement(ref running);
            return Outcome.Settled;
        }, _ => Task.FromResult<IReadOnlyList<string>>([]), TimeProvider.System, NullLogger.Instance);
        await loop.StartAsync(CancellationToken.None);
        loop.Wake("key");
        await done.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        await loop.StopAsync(CancellationToken.None);
        Assert.Equal(50, rounds);
    }

    [Fact]
    public async Task AFailedStep_IsTriedAgainAfterAPause_AndLostWakesAreFoundByTheTimer()
    {
        var time = new FakeTimeProvider();
        var tries = System.Threading.Channels.Channel.CreateUnbounded<int>();
        var count = 0;
        var loop = new Reconciler<string>("test", (_, _) =>
        {
            tries.Writer.TryWrite(++count);
            return count < 3 ? throw new InvalidOperationException("not yet") : Task.FromResult(Outcome.Settled);
        }, _ => Task.FromResult<IReadOnlyList<string>>(["lost"]), time, NullLogger.Instance);
        await loop.StartAsync(CancellationToken.None);
        for (var expected = 1; expected <= 3; expected++)
        {
            while (!tries.Reader.TryPeek(out _))
            {
                time.Advance(TimeSpan.FromSeconds(1));
                await Task.Yield();
            }
            Assert.Equal(expected, await tries.Reader.ReadAsync(TestContext.Current.CancellationToken));
        }
        await loop.StopAsync(CancellationToken.None);
    }
}
