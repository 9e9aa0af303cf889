using Monolith.Platform;

namespace Monolith.Modules.Tests.Platform;

/// <summary>What no caller waits for takes turns.</summary>
public sealed class BackgroundTests
{
    [Fact]
    public async Task NoMorePiecesRunAtATimeThanThereAreProcessors_AfterAnAwaitNeither()
    {
        var (running, most) = (0, 0);
        var gate = new Lock();

        await Task.WhenAll(Enumerable.Range(0, 64).Select(_ => Background.Run(async () =>
        {
            for (var round = 0; round < 20; round++)
            {
                Piece();
                await Task.Yield();
            }
        }))).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);

        Assert.InRange(most, 1, Environment.ProcessorCount);

        void Piece()
        {
            lock (gate) most = Math.Max(most, ++running);
            Thread.SpinWait(1_000);
            lock (gate) running--;
        }
    }

    [Fact]
    public async Task ACallIsServed_WhileEveryPlaceIsTaken()
    {
        using var free = new ManualResetEventSlim();
        using var taken = new CountdownEvent(Environment.ProcessorCount);
        var holders = Enumerable.Range(0, Environment.ProcessorCount).Select(_ => Background.Run(() =>
        {
            taken.Signal();
            free.Wait(TestContext.Current.CancellationToken);
            return Task.CompletedTask;
        })).ToList();
        var next = Task.CompletedTask;
        try
        {
            Assert.True(taken.Wait(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
            next = Background.Run(() => Task.CompletedTask);
            await Task.Run(() => { }).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
            Assert.False(next.IsCompleted);
        }
        finally
        {
            free.Set();
        }
        await Task.WhenAll([.. holders, next]).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task WhatFails_FailsForWhoWaitsForIt() =>
        await Assert.ThrowsAsync<InvalidOperationException>(() => Background.Run(() => throw new InvalidOperationException()));

    /// <summary>As a simulation, which is the same every time because it decides what runs when.</summary>
    [Fact]
    public void WhereSomebodyDecidesWhatRunsWhen_ItRunsThere()
    {
        var before = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(new());
        try
        {
            var thread = 0;
            var done = Background.Run(() =>
            {
                thread = Environment.CurrentManagedThreadId;
                return Task.CompletedTask;
            });
            Assert.Equal((true, Environment.CurrentManagedThreadId), (done.IsCompletedSuccessfully, thread));
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }
    }
}
