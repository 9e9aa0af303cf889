using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Monolith.Identity.Contracts;
using Monolith.Platform.Calls;
using Monolith.Platform.Storage;

namespace Monolith.Identity.RoleBindings;

/// <summary>Removes bindings on single resources that are gone. They have given nothing since: a later resource of the same name has
/// another uid.</summary>
internal sealed partial class StaleBindings(Store<IdentityDb> store, ResourceFacts facts, TimeProvider time, ILogger<StaleBindings> log)
    : BackgroundService
{
    static readonly TimeSpan Every = TimeSpan.FromHours(1);

    public async Task RemoveAsync(CancellationToken cancel)
    {
        foreach (var binding in await store.ReadAsync(db => db.RoleBindings.Where(b => b.ScopeUid != Guid.Empty).ToListAsync(cancel)))
        {
            if (await facts.OfAsync(binding.Scope) is { } fact && fact.Uid == binding.ScopeUid) continue;
            await store.WriteAsync(Call.Of("identity/roleBindings"), async unit =>
            {
                if (await unit.Db.RoleBindings.FirstOrDefaultAsync(b => b.Uid == binding.Uid, cancel) is not { } row) return;
                unit.Db.RoleBindings.Remove(row);
                RoleBindingService.Emit(unit, Change.Deleted, row);
            }, cancel);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(Every, time);
        while (await timer.WaitForNextTickAsync(stop))
        {
            try
            {
                await RemoveAsync(stop);
            }
            catch (Exception e) when (!stop.IsCancellationRequested)
            {
                LogNotRemoved(e);
            }
        }
    }

    [LoggerMessage(LogLevel.Warning, "Bindings on what is gone could not be looked for; the next hour has another try")]
    partial void LogNotRemoved(Exception e);
}
