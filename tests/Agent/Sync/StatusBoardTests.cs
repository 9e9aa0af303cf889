using Monolith.Agent.Sync;
using Monolith.Agent.V1;
using State = Monolith.Agent.V1.LoadBalancerStatus.Types.State;

namespace Monolith.Agent.Tests.Sync;

public class StatusBoardTests
{
    private readonly StatusBoard board = new(LoadBalancerConcern.Instance);

    private static LoadBalancerStatus Status(State state) => new() { Id = "a", State = state };

    private async Task<State[]> TakeAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        return [.. (await board.TakeChangedAsync(patience.Token)).Cast<LoadBalancerStatus>().Select(s => s.State)];
    }

    [Fact]
    public async Task Farewell_IsSentOnce_AndIsInNoDigest()
    {
        var nothing = board.BeginSession();
        board.Set("a", Status(State.Serving));
        board.Farewell("a", Status(State.Removed));
        Assert.Equal([State.Removed], await TakeAsync());
        Assert.Null(board.Find("a"));
        board.Set("b", Status(State.Serving));
        Assert.Equal([State.Serving], await TakeAsync());
        board.Farewell("b", Status(State.Removed));
        Assert.Equal(nothing, board.BeginSession());
    }

    /// <summary>
    /// The connection ends before it is sent: the next hello's digest lacks the thing, and so does a full report.
    /// </summary>
    [Fact]
    public void Farewell_ThatWasNotSent_IsToldByAbsence()
    {
        board.Set("a", Status(State.Serving));
        var before = board.BeginSession();
        board.Farewell("a", Status(State.Removed));
        Assert.NotEqual(before, board.BeginSession());
        Assert.Empty(board.TakeAll());
    }

    [Fact]
    public async Task Farewell_DoesNotShadowWhatIsMadeAgain()
    {
        board.Set("a", Status(State.Serving));
        board.Farewell("a", Status(State.Removed));
        board.Set("a", Status(State.Serving));
        Assert.Equal([State.Serving], await TakeAsync());
        Assert.NotNull(board.Find("a"));
    }
}
