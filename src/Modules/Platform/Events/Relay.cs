using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Monolith.Platform.Calls;
using Monolith.Platform.Storage;

namespace Monolith.Platform.Events;

/// <summary>What the bus's consumers need of a relay.</summary>
public interface IRelay
{
    string Module { get; }
    void OnLogged(long through);
    void Nudge(long through);
}

/// <summary>
/// Carries a module's committed events to the bus. An event counts as delivered when the event log says that it has it;
/// until then it is sent again, so neither a crash nor a broker that forgets can lose one.
/// <code>
///   events table ──▶ publish EventsCommitted ──▶ log appends, commits ──▶ EventsLogged ──▶ relays.logged_through
///        ▲ again from logged_through, when there is no word for a while │
/// </code>
/// Events are kept for a while after that, since watches resume from them.
/// <para/>
/// What is committed within <see cref="Breath"/> of a message goes with the next one: a message costs the bus, its consumers
/// and the log's commit as much as ten events do. The first after a silence is sent at once.
/// </summary>
public sealed partial class Relay<TDb>(Store<TDb> store, IServiceProvider services, TimeProvider time,
    ILogger<Relay<TDb>> log) : BackgroundService, IRelay where TDb : ModuleDb
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    internal static readonly TimeSpan Breath = TimeSpan.FromMilliseconds(50);
    static readonly TimeSpan Kept = TimeSpan.FromHours(24);
    const int KeptAtLeast = 10_000;

    long loggedThrough;
    long sentThrough;
    long savedThrough;

    public string Module => store.Module;

    public void OnLogged(long through)
    {
        long seen;
        while ((seen = Interlocked.Read(ref loggedThrough)) < through
            && Interlocked.CompareExchange(ref loggedThrough, through, seen) != seen)
        {
        }
    }

    public void Nudge(long through) => store.Feed.Nudge(through);

    protected override async Task ExecuteAsync(CancellationToken stop)
    {
        await ResumeAsync(stop);
        await Task.WhenAll(SendAsync(stop), TendAsync(stop));
    }

    async Task ResumeAsync(CancellationToken stop)
    {
        while (true)
        {
            try
            {
                var row = await store.ReadAsync(db => db.Relays.FirstOrDefaultAsync(stop));
                loggedThrough = sentThrough = savedThrough = row?.LoggedThrough ?? 0;
                return;
            }
            catch (Exception e) when (!stop.IsCancellationRequested)
            {
                LogNotRead(e, Module);
                await Task.Delay(Pause, time, stop);
            }
        }
    }

    async Task SendAsync(CancellationToken stop)
    {
        var bus = services.GetRequiredService<IEventBus>();
        while (!stop.IsCancellationRequested)
        {
            var after = Interlocked.Read(ref loggedThrough);
            using var again = CancellationTokenSource.CreateLinkedTokenSource(stop);
            await using var watchdog = time.CreateTimer(_ =>
            {
                if (Interlocked.Read(ref sentThrough) > Interlocked.Read(ref loggedThrough)
                    && Interlocked.Exchange(ref lastSeen, loggedThrough) == loggedThrough)
                    again.Cancel();
            }, null, Patience, Patience);
            try
            {
                await foreach (var batch in store.Feed.FollowAsync(after, again.Token))
                {
                    var message = new EventsCommitted(Module, after, [.. batch.Select(Envelope)]);
                    await bus.PublishAsync(message, again.Token);
                    after = batch[^1].Sequence;
                    Interlocked.Exchange(ref sentThrough, after);
                    await Task.Delay(Breath, time, again.Token);
                }
            }
            catch (OperationCanceledException) when (!stop.IsCancellationRequested)
            {
                LogAgain(Module, Interlocked.Read(ref loggedThrough), Interlocked.Read(ref sentThrough));
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                LogBusFailed(e, Module);
                await Task.Delay(Pause, time, stop);
            }
        }
    }

    long lastSeen = -1;

    async Task TendAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(2), time);
        for (var round = 0; await timer.WaitForNextTickAsync(stop); round++)
        {
            var logged = Interlocked.Read(ref loggedThrough);
            if (logged == savedThrough) continue;
            try
            {
                await SaveAsync(logged, trim: round % 30 == 29, stop);
                savedThrough = logged;
            }
            catch (Exception e) when (!stop.IsCancellationRequested)
            {
                LogNotSaved(e, Module);
            }
        }
    }

    Task SaveAsync(long logged, bool trim, CancellationToken stop) =>
        store.WriteAsync(Call.Of(Module + "/relay"), async unit =>
        {
            var row = await unit.Db.Relays.FirstOrDefaultAsync(stop);
            if (row is null) unit.Db.Relays.Add(row = new RelayRow());
            row.LoggedThrough = Math.Max(row.LoggedThrough, logged);
            if (trim) await TrimAsync(unit, logged, stop);
        }, stop);

    async Task TrimAsync(Unit<TDb> unit, long logged, CancellationToken stop)
    {
        var old = unit.Now - Kept;
        var through = logged - KeptAtLeast;
        await unit.Db.Events.Where(e => e.Sequence <= through && e.Time < old).ExecuteDeleteAsync(stop);
        await unit.Db.Requests.Where(r => r.Time < old).ExecuteDeleteAsync(stop);
        store.Feed.TrimmedThrough = (await unit.Db.Events.MinAsync(e => (long?)e.Sequence, stop) ?? 1) - 1;
    }

    static EventEnvelope Envelope(EventRow row) => new(row.Sequence, row.Uid, row.Type, row.Resource, row.Project,
        row.Time, row.Actor, row.RequestId, row.TraceId, row.DataType, row.Data)
    {
        TraceParent = row.TraceParent,
        Method = row.Method,
        Credential = row.Credential,
        Peer = row.Peer,
    };

    [LoggerMessage(LogLevel.Warning,
        "The event log has {Module}'s events up to {Logged} of {Sent} that were sent; sending again")]
    partial void LogAgain(string module, long logged, long sent);

    [LoggerMessage(LogLevel.Warning, "{Module}'s events could not be sent; they are kept and sent again")]
    partial void LogBusFailed(Exception e, string module);

    [LoggerMessage(LogLevel.Warning, "How far the event log has {Module}'s events could not be read; trying again")]
    partial void LogNotRead(Exception e, string module);

    [LoggerMessage(LogLevel.Warning, "How far the event log has {Module}'s events could not be kept; trying again")]
    partial void LogNotSaved(Exception e, string module);
}
