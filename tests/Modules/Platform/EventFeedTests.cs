using Monolith.Platform.Events;
using Monolith.Platform.Storage;

namespace Monolith.Modules.Tests.Platform;

/// <summary>Followers of a module's events: hundreds wait, and each is woken for what is its business.</summary>
public sealed class EventFeedTests
{
    const string Mine = "mine", Others = "others";

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    static EventRow Event(long sequence, string project) => new()
    {
        Sequence = sequence,
        Uid = Guid.CreateVersion7(),
        Type = "monolith.test.thing.updated",
        Resource = $"projects/{project}/things/t",
        Project = project,
        Time = DateTime.UnixEpoch,
        Actor = "",
        RequestId = "",
        TraceId = "",
        DataType = "",
        Data = [],
    };

    static EventFeed Feed(Func<long, List<EventRow>> table) =>
        new("test", (after, _, _) => Task.FromResult(table(after)));

    static List<EventRow> NoTable(long after) => throw new InvalidOperationException($"The table was asked for what comes after {after}.");

    static IAsyncEnumerator<IReadOnlyList<EventRow>> FollowMine(EventFeed feed) =>
        feed.FollowAsync(0, Cancel, e => e.Project == Mine).GetAsyncEnumerator(Cancel);

    [Fact]
    public async Task AFollower_SleepsThroughWhatItDoesNotWant_AndGoesOnAfterIt()
    {
        var feed = Feed(NoTable);
        await using var follower = FollowMine(feed);
        var next = follower.MoveNextAsync();
        feed.Publish([Event(1, Others)]);
        feed.Publish([Event(2, Others)]);
        feed.Publish([Event(3, Others), Event(4, Mine)]);
        Assert.True(await next);
        Assert.Equal([3, 4], follower.Current.Select(e => e.Sequence));
    }

    [Fact]
    public async Task AFollower_OfFewAmongThousands_IsServedFromMemory()
    {
        var feed = Feed(NoTable);
        await using var follower = FollowMine(feed);
        var next = follower.MoveNextAsync();
        const int many = 20_000;
        for (var i = 1; i <= many; i++) feed.Publish([Event(i, Others)]);
        feed.Publish([Event(many + 1, Mine)]);
        Assert.True(await next);
        Assert.Equal([many + 1], follower.Current.Select(e => e.Sequence));
    }

    [Fact]
    public async Task AnotherHostsCommit_WakesEverybody_ForTheTableAlone()
    {
        var feed = Feed(after => after == 0 ? [Event(1, Mine)] : []);
        await using var follower = FollowMine(feed);
        var next = follower.MoveNextAsync();
        feed.Nudge(1);
        Assert.True(await next);
        Assert.Equal([1], follower.Current.Select(e => e.Sequence));
    }

    /// <summary>It heard of the other's commits before its own was published.</summary>
    [Fact]
    public async Task WhatIsPublishedLate_HidesNothingThatCameBefore()
    {
        var all = new[] { Event(1, Mine), Event(2, Mine), Event(3, Mine), Event(4, Mine) };
        var feed = Feed(after => [.. all.Where(e => e.Sequence > after && e.Sequence <= 3)]);
        feed.Nudge(3);
        feed.Publish([all[0]]);
        await using var follower = FollowMine(feed);
        Assert.True(await follower.MoveNextAsync());
        Assert.Equal([1, 2, 3], follower.Current.Select(e => e.Sequence));
        var next = follower.MoveNextAsync();
        feed.Publish([all[3]]);
        Assert.True(await next);
        Assert.Equal([4], follower.Current.Select(e => e.Sequence));
    }

    [Fact]
    public async Task AGap_MayHideWhatIsWanted_AndIsLookedInto()
    {
        var feed = Feed(after => [.. new[] { Event(1, Mine), Event(2, Others) }.Where(e => e.Sequence > after)]);
        await using var follower = FollowMine(feed);
        var next = follower.MoveNextAsync();
        feed.Publish([Event(2, Others)]);
        Assert.True(await next);
        Assert.Equal([1, 2], follower.Current.Select(e => e.Sequence));
    }
}
