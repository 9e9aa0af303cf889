using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Monolith.Network.AddressPools;
using Monolith.Platform.Calls;
using Monolith.Platform.Storage;

namespace Monolith.Network.Addresses;

/// <summary>
/// What is done to the address book once an hour: how many addresses each pool has given is written down, for the
/// forecast, and history that is older than it is kept for is forgotten, a slice at a time, so that claims pass between.
/// Any number of hosts may do it.
/// </summary>
internal sealed partial class AddressKeeper(Store<NetworkDb> store, NetworkOptions options, TimeProvider time,
    ILogger<AddressKeeper> log) : BackgroundService
{
    const int Slice = 1_000;
    static readonly TimeSpan SamplesKept = 2 * Forecast.Window;
    static readonly Call Self = Call.Of("network/addressKeeper");

    protected override async Task ExecuteAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromHours(1), time);
        while (await timer.WaitForNextTickAsync(stop))
        {
            try
            {
                await KeepAsync(stop);
            }
            catch (Exception e) when (!stop.IsCancellationRequested)
            {
                LogNotKept(e);
            }
        }
    }

    public async Task KeepAsync(CancellationToken cancel)
    {
        await store.WriteAsync(Self, unit => SampleAsync(unit.Db, unit.Now), cancel);
        while (await store.WriteAsync(Self, unit => ForgetAsync(unit.Db, unit.Now - options.AddressHistory), cancel))
        {
        }
    }

    /// <summary>One for each pool and hour: whoever comes second finds the first's.</summary>
    static async Task SampleAsync(NetworkDb db, DateTime now)
    {
        var hour = new DateTime(now.Year, now.Month, now.Day, now.Hour, 0, 0, DateTimeKind.Utc);
        var last = now - SamplesKept;
        await db.PoolSamples.Where(s => s.Time < last).ExecuteDeleteAsync();
        var done = (await db.PoolSamples.Where(s => s.Time == hour).Select(s => s.PoolUid).ToListAsync()).ToHashSet();
        foreach (var usage in await db.PoolUsages.AsNoTracking().ToListAsync())
            if (!done.Contains(usage.PoolUid))
                db.PoolSamples.Add(new PoolSampleRow { PoolUid = usage.PoolUid, Time = hour, Used = usage.Used });
    }

    /// <returns>Whether there may be more.</returns>
    static async Task<bool> ForgetAsync(NetworkDb db, DateTime before)
    {
        // Numbered as they were released: the oldest are the first.
        var old = (await db.PastAddresses.AsNoTracking().OrderBy(a => a.Id).Take(Slice)
            .Select(a => new { a.Id, a.Until }).ToListAsync()).TakeWhile(a => a.Until < before).Select(a => a.Id).ToList();
        if (old.Count == 0) return false;
        await db.PastAddresses.Where(a => old.Contains(a.Id)).ExecuteDeleteAsync();
        return old.Count == Slice;
    }

    [LoggerMessage(LogLevel.Warning, "The address book's hourly round failed; the next hour has another try")]
    partial void LogNotKept(Exception e);
}
