using Monolith.Agent.Sync;
using Monolith.Agent.V1;
using State = Monolith.Agent.V1.LoadBalancerStatus.Types.State;

namespace Monolith.Agent.Tests.Sync;

public class StatusBoardTests
{
    private readonly StatusBoard _board = new(LoadBalancerConcern.Instance);

    private static LoadBalancerStatus Status(State state) => new() { Id = "a", State = state };

    private async Task<State[]> TakeAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        return [.. (await _board.TakeChangedAsync(patience.Token)).Cast<LoadBalancerStatus>().Select(s => s.State)];
    }

    [Fact]
    public async Task Farewell_IsSentOnce_AndIsInNoDigest()
    {
        var nothing = _board.BeginSession();
        _board.Set("a", Status(State.Serving));
        _board.Farewell("a", Status(State.Removed));
        Assert.Equal([State.Removed], await TakeAsync());
        Assert.Null(_board.Find("a"));
        _board.Set("b", Status(State.Serving));
        Assert.Equal([State.Serving], await TakeAsync());
        _board.Farewell("b", Status(State.Removed));
        Assert.Equal(nothing, _board.BeginSession());
    }

    /// <summary>The connection ends before it is sent: the next hello's digest lacks the thing, and so does a full report.</summary>
    [Fact]
    public void Farewell_ThatWasNotSent_IsToldByAbsence()
    {
        _board.Set("a", Status(State.Serving));
        var before = _board.BeginSession();
        _board.Farewell("a", Status(State.Removed));
        Assert.NotEqual(before, _board.BeginSession());
        Assert.Empty(_board.TakeAll());
    }

    [Fact]
    public async Task Farewell_DoesNotShadowWhatIsMadeAgain()
    {
        _board.Set("a", Status(State.Serving));
        _board.Farewell("a", Status(State.Removed));
        _board.Set("a", Status(State.Serving));
        Assert.Equal([State.Serving], await TakeAsync());
        Assert.NotNull(_board.Find("a"));
    }
}
