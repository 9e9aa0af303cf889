using Monolith.Agent.Native.Safe;

namespace Monolith.Agent.Vms;

/// <summary>Network cards that come and go while the guest runs.</summary>
internal sealed partial class QemuVm
{
    private static readonly TimeSpan LetGoDeadline = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan CardPoll = TimeSpan.FromMilliseconds(100);

    public Task PlugAsync(VmPlan plan, CancellationToken cancellation) =>
        SubmitAsync(new Request.Plug(plan, NewDone()), cancellation);

    /// <summary>QEMU says what is there, so that a try that was cut short anywhere can be repeated.</summary>
    private async Task PlugAsync(VmPlan plan)
    {
        QemuFault.Check(plan);
        RefuseElsewhere("given other cards");
        if (process is not { Exited.IsCompleted: false, GuestDown.IsCompleted: false } || record.Phase != VmPhase.Running)
            throw new VmException(VmFailure.NotRunning, $"VM {id} does not run: it has its cards from its next start");
        Keep(plan);
        var wanted = plan.Placed();
        var cards = process.Cards;
        var present = await cards.ListAsync(disposed.Token);
        foreach (var (slot, mac) in present)
        {
            if (!wanted.Any(p => p.Slot == slot && p.Mac == mac)) await UnplugAsync(slot);
        }
        foreach (var port in wanted)
        {
            if (present.TryGetValue(port.Slot, out var mac) && mac == port.Mac) continue;
            using var tap = TapHandle.Open(port.Tap);
            await cards.PlugAsync(port, tap, disposed.Token);
        }
        Enter(record with { Generation = plan.Generation, Shape = VmCommandLine.WithCards(record.Shape, plan) });
        Tell(VmEventKind.Plugged, "");
    }

    /// <summary>A guest that does not listen is asked again by the next try, and waited for no longer than a moment.</summary>
    private async Task UnplugAsync(int slot)
    {
        var cards = process!.Cards;
        await cards.AskAsync(slot, disposed.Token);
        var began = settings.Time.GetTimestamp();
        while ((await cards.ListAsync(disposed.Token)).ContainsKey(slot))
        {
            if (HurryTask.IsCompleted || settings.Time.GetElapsedTime(began) > LetGoDeadline)
                throw new VmException(
                    VmFailure.Busy,
                    "The guest does not let go of a network card. It is asked again; a restart of the server takes the card out.");
            await Task.WhenAny(process.Exited, HurryTask, Task.Delay(CardPoll, settings.Time, disposed.Token));
            disposed.Token.ThrowIfCancellationRequested();
        }
        await cards.CloseAsync(slot, disposed.Token);
    }
}
