using System.Globalization;
using Grpc.Core;
using Monolith.Events.V1;
using Monolith.Host.Tests.Cloud;
using Monolith.Identity.V1;

namespace Monolith.Host.Tests.Events;

/// <summary>Where a watch of the log begins, and what it says of places that there are not.</summary>
public sealed class EventWatchTests(RunningHost host)
{
    readonly EventService.EventServiceClient events = new(host.Invoker);

    [Fact]
    public async Task AWatch_BeginsWhereItIsTold_AndSaysWhatIsNotThere()
    {
        var listed = (await events.ListEventsAsync(new() { PageSize = 20 }, host.Headers())).Events
            .Select(e => e.Sequence).ToList();
        Assert.Equal(20, listed.Count);
        Assert.Equal(listed, await HearAsync(0, listed.Count));
        Assert.Equal(listed[6..], await HearAsync(listed[5], listed.Count - 6));

        var newest = await NewestAsync();
        Assert.True((await HearAsync(-1, 1, whileWaiting: ChangeSomethingAsync))[0] > newest);

        foreach (var nowhere in new[] { newest + 1_000_000, -2, long.MinValue })
        {
            var e = await Assert.ThrowsAsync<RpcException>(() => HearAsync(nowhere, 1));
            Assert.Equal(StatusCode.InvalidArgument, e.StatusCode);
            Assert.Equal("after_sequence", Violations(e).Single().Field);
        }

        // The oldest go, as they do after a while.
        await using (var connection = await host.ConnectAsync("events"))
        await using (var trim = connection.CreateCommand())
        {
            trim.CommandText = FormattableString.Invariant($"""
                UPDATE ends SET "TrimmedThrough" = {listed[2]}; DELETE FROM log WHERE "Sequence" <= {listed[2]};
                """);
            await trim.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }
        var late = await Assert.ThrowsAsync<RpcException>(() => HearAsync(listed[1], 1));
        Assert.Equal(StatusCode.OutOfRange, late.StatusCode);
        var info = late.GetRpcStatus()!.GetDetail<Google.Rpc.ErrorInfo>()!;
        Assert.Equal(("EVENTS_NO_LONGER_KEPT", listed[3].ToString(CultureInfo.InvariantCulture)),
            (info.Reason, info.Metadata["oldest_sequence"]));
        Assert.Equal(listed[3..], await HearAsync(listed[2], listed.Count - 3));
        Assert.Equal(listed[3..], await HearAsync(0, listed.Count - 3));
    }

    static IEnumerable<Google.Rpc.BadRequest.Types.FieldViolation> Violations(RpcException e) =>
        e.GetRpcStatus()!.GetDetail<Google.Rpc.BadRequest>()!.FieldViolations;

    /// <summary>The sequences of the first events of a watch.</summary>
    /// <param name="whileWaiting">Goes on until they are there.</param>
    async Task<List<long>> HearAsync(long after, int count, Func<Task>? whileWaiting = null)
    {
        using var watch = events.WatchEvents(new() { AfterSequence = after }, host.Headers(),
            DateTime.UtcNow.AddMinutes(1), TestContext.Current.CancellationToken);
        var heard = new List<long>();
        while (heard.Count < count)
        {
            var next = watch.ResponseStream.MoveNext(default);
            while (whileWaiting is not null && !next.IsCompleted) await whileWaiting();
            Assert.True(await next);
            heard.Add(watch.ResponseStream.Current.Sequence);
        }
        return heard;
    }

    async Task<long> NewestAsync()
    {
        var (newest, page) = (0L, "");
        do
        {
            var list = await events.ListEventsAsync(new() { PageSize = 1000, PageToken = page }, host.Headers());
            if (list.Events.Count > 0) newest = list.Events[^1].Sequence;
            page = list.NextPageToken;
        }
        while (page.Length > 0);
        return newest;
    }

    async Task ChangeSomethingAsync() => await new ProjectService.ProjectServiceClient(host.Invoker).UpdateProjectAsync(
        new() { Project = new() { Name = host.Own.Name, DisplayName = Guid.NewGuid().ToString("N") } }, host.Headers());
}
