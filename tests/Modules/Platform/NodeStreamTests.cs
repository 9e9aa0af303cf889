using Grpc.Core;
using Monolith.Platform;
using Monolith.Platform.Faults;
using Monolith.Platform.Nodes;

namespace Monolith.Modules.Tests.Platform;

/// <summary>Two directions, one life.</summary>
public sealed class NodeStreamTests
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WhenOneDirectionEnds_TheOtherIsEnded(bool down)
    {
        var waiting = new TaskCompletionSource();
        var other = new TaskCompletionSource();

        var running = NodeStream.RunAsync("hv1", "vms", down ? _ => waiting.Task : Other, down ? Other : _ => waiting.Task, Cancel);
        waiting.SetResult();

        await running;
        await other.Task.WaitAsync(Cancel);

        async Task Other(CancellationToken ended)
        {
            await Task.Delay(Timeout.Infinite, ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            other.SetResult();
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WhatOneDirectionFailsWith_IsWhatTheStreamEndsWith(bool down)
    {
        static Task Wait(CancellationToken ended) => Task.Delay(Timeout.Infinite, ended);
        static Task Fail(CancellationToken ended) => throw new IOException("the cable");

        var thrown = await Assert.ThrowsAsync<IOException>(() =>
            NodeStream.RunAsync("hv1", "vms", down ? Fail : Wait, down ? Wait : Fail, Cancel));

        Assert.Equal("the cable", thrown.Message);
    }

    /// <summary>As <see cref="NodeSync{TItem}"/> does with the old stream of a node that has opened another.</summary>
    [Fact]
    public async Task WhatGoesDownIsCancelledByItself_TheNodeHasANewerStream()
    {
        var fault = await Assert.ThrowsAsync<Fault>(() => NodeStream.RunAsync("hv1", "vms",
            _ => Task.FromCanceled(new(canceled: true)), ended => Task.Delay(Timeout.Infinite, ended), Cancel));

        Assert.Equal((StatusCode.Aborted, "STREAM_REPLACED", "hv1 has opened a newer stream of its vms."),
            (fault.Code, fault.Reason, fault.Message));
    }

    [Fact]
    public async Task TheCallerGoes_IsNoFaultOfTheStream()
    {
        using var gone = new CancellationTokenSource();
        var running = NodeStream.RunAsync("hv1", "vms", Wait, Wait, gone.Token);
        await gone.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);

        static Task Wait(CancellationToken ended) => Task.Delay(Timeout.Infinite, ended);
    }

    [Fact]
    public async Task ItsWork_TakesTurnsWithAllElseThatNobodyWaitsFor()
    {
        var (ours, theirs) = (new TaskCompletionSource<TaskScheduler>(), new TaskCompletionSource<TaskScheduler>());
        await Background.Run(() =>
        {
            ours.SetResult(TaskScheduler.Current);
            return Task.CompletedTask;
        });

        await NodeStream.RunAsync("hv1", "vms", _ => Tell(), _ => Task.CompletedTask, Cancel);

        Assert.Same(await ours.Task.WaitAsync(Cancel), await theirs.Task.WaitAsync(Cancel));
        Assert.NotSame(TaskScheduler.Default, await ours.Task);

        Task Tell()
        {
            theirs.SetResult(TaskScheduler.Current);
            return Task.CompletedTask;
        }
    }
}
