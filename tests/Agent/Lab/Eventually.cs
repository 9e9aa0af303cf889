namespace Monolith.Agent.Tests.Lab;

/// <summary>Waits for what has no event of its own to wait on.</summary>
internal static class Eventually
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(20);

    /// <summary>Looks every few milliseconds until the deadline, which fails the test.</summary>
    public static async Task HoldsAsync(Func<Task<bool>> reached, string what, int seconds = 20)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(TimeSpan.FromSeconds(seconds));
        using var timer = new PeriodicTimer(LookEvery);
        while (!await reached())
        {
            try
            {
                await timer.WaitForNextTickAsync(deadline.Token);
            }
            catch (OperationCanceledException)
            {
                Assert.Fail($"{what}: not within {seconds} s");
            }
        }
    }

    public static Task HoldsAsync(Func<bool> reached, string what, int seconds = 20) =>
        HoldsAsync(() => Task.FromResult(reached()), what, seconds);
}
