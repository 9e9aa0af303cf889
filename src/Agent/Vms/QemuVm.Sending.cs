using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Monolith.Agent.Vms.Qmp;

namespace Monolith.Agent.Vms;

/// <summary>How a guest goes to another hypervisor: disk, memory, and the switch.</summary>
internal sealed partial class QemuVm
{
    private const string Cancelled = "CANCELLED";
    private static readonly TimeSpan ReachDeadline = TimeSpan.FromSeconds(3);

    // QEMU would wait for ever for a target that is gone without a word.
    private static readonly TimeSpan ReachEvery = TimeSpan.FromSeconds(5);
    private const int OnePercent = 100;
    private const long LittleMissing = 64 << 20;
    private const int TicksBeforePress = 4, MostWrites = 2048, LeastWrites = 16;

    private VmOutgoing? outgoing;
    private long reached;
    private long? stands;
    private bool disconnected;
    private int ticks;

    private async Task SendAsync(VmOutgoing outgoing)
    {
        if (!VmId.IsValid(outgoing.Migration) || !IsKey(outgoing.Secret))
            throw new VmException(VmFailure.InvalidPlan, $"the migration of VM {id} has no valid name or secret");
        if (record.Migration is { } known && known.Id == outgoing.Migration)
        {
            this.outgoing = outgoing;
            return;
        }
        if (record.Migration is { IsSending: true } || record.Phase == VmPhase.Left)
            throw new VmException(VmFailure.Migrating, $"VM {id} is sent elsewhere already");
        if (outgoing.Stopped)
        {
            await SendStoppedAsync(outgoing);
            return;
        }
        if (process is not { GuestDown.IsCompleted: false } || record.Phase != VmPhase.Running)
            throw new VmException(VmFailure.NotFound, $"VM {id} does not run: only a running guest can be sent");
        if (IsCopying) await FailCopyAsync("SERVER_MIGRATED", "The server goes to another hypervisor.");
        (this.outgoing, reached) = (outgoing, settings.Time.GetTimestamp());
        Enter(record with { Migration = new VmMigration(outgoing.Migration, MigrationPhase.CopyingDisk) });
    }

    /// <summary>The same way, from a QEMU that has no guest: what it sends in the end is its word that the disk is whole.</summary>
    private async Task SendStoppedAsync(VmOutgoing outgoing)
    {
        RefuseElsewhere("sent");
        if (process is not null || record.Phase is not (VmPhase.Stopped or VmPhase.Crashed))
            throw new VmException(VmFailure.Migrating, $"VM {id} runs: it cannot be sent as one that is stopped");
        if (plan is null || !File.Exists(files.Disk))
            throw new VmException(VmFailure.NotFound, $"VM {id} has no disk here: ensure it first");
        if (IsCopying) await FailCopyAsync("SERVER_MIGRATED", "The server goes to another hypervisor.");
        (this.outgoing, reached) = (outgoing, settings.Time.GetTimestamp());
        var sent = new VmMigration(outgoing.Migration, MigrationPhase.CopyingDisk, Stopped: true);
        Enter(record with { Phase = VmPhase.Outgoing, Process = null, Since = Now, Cause = "", Migration = sent });
        try
        {
            await SpawnAsync(plan, carrier: true);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            var fault = QemuFault.From(e, id, "opening its disk to send it");
            Enter(record with
            {
                Migration = sent with { Phase = MigrationPhase.Failed, Reason = "DISK_NOT_OPENED", Cause = fault.Message },
            });
            await EndAsync(fault.Message);
            Enter(record with { Phase = VmPhase.Stopped, Process = null });
        }
        Tell(VmEventKind.Migrated, "");
    }

    private Task LetGoAsync()
    {
        if (record.Migration is { IsSending: true, LetGo: false } sent)
        {
            Enter(record with { Migration = sent with { LetGo = true } });
            moved.TrySetResult();
        }

        return Task.CompletedTask;
    }

    private async Task CancelSendAsync()
    {
        if (record is { Phase: VmPhase.Running or VmPhase.Outgoing, Migration: { IsSending: true, Phase: not MigrationPhase.Switching } sent })
            Enter(record with { Migration = sent.GiveUp(Cancelled, "The migration was given up.") });
        await Task.CompletedTask;
    }

    private async Task SendOnAsync(VmMigration sent)
    {
        if (await IsLostAsync(sent)) return;
        var qemu = process!.Migration;
        var memory = await qemu.QueryAsync(disposed.Token);
        var facts = new SendFacts(
            await process.Commands.QueryStatusAsync(disposed.Token), memory.Status, memory.Error,
            await qemu.QueryJobAsync(disposed.Token), await qemu.HasDiskAsync(disposed.Token));
        var decision = SendDecide.Decide(sent, facts);
        try
        {
            await DoAsync(sent, decision, facts, memory);
        }
        catch (Exception e) when (e is QmpCommandException or TimeoutException or SocketException or VmException
            && decision is not (SendDecision.Switch or SendDecision.CloseDisk))
        {
            QemuLog.StepFailed(settings.Logger, e, id, decision.GetType().Name);
            Enter(record with { Migration = sent.GiveUp(ReasonOf(e), CauseOf(e)) });
        }
        // What QEMU does at once has no event that tells of it.
        var waits = decision is SendDecision.Wait or SendDecision.CancelDisk
            || (decision is SendDecision.Switch && record.Migration is { LetGo: false });
        if (!waits) moved.TrySetResult();
    }

    private async Task DoAsync(VmMigration sent, SendDecision decision, SendFacts facts, MigrationState memory)
    {
        var qemu = process!.Migration;
        switch (decision)
        {
            case SendDecision.CopyDisk:
                await CopyDiskAsync(qemu);
                break;
            case SendDecision.CopyMemory when outgoing is { } to:
                // Written down first: what became of it is asked for by whoever comes after.
                Enter(record with { Migration = sent with { Phase = MigrationPhase.CopyingMemory } });
                await qemu.LimitAsync(0, disposed.Token);
                stands = settings.Capabilities.CopiesRunningGuests ? null : settings.Time.GetTimestamp();
                if (stands is not null) await process.Commands.StopAsync(disposed.Token);
                await qemu.MigrateAsync(to.Host, to.MemoryPort, disposed.Token);
                break;
            case SendDecision.EndDisk:
                await qemu.EndMirrorAsync(force: false, disposed.Token);
                break;
            case SendDecision.CloseDisk:
                await qemu.CloseDiskAsync(disposed.Token);
                break;
            case SendDecision.Switch:
                if (sent.Phase != MigrationPhase.Switching)
                {
                    Enter(record with { Migration = sent with { Phase = MigrationPhase.Switching } });
                    Tell(VmEventKind.Migrated, "");
                }

                if (sent.LetGo) await qemu.ContinueAsync(disposed.Token);
                break;
            case SendDecision.CancelMemory:
                await qemu.CancelAsync(disposed.Token);
                break;
            case SendDecision.CancelDisk when !disconnected:
                disconnected = true;
                await qemu.DisconnectDiskAsync(disposed.Token);
                break;
            case SendDecision.CancelDisk:
                await qemu.EndMirrorAsync(force: true, disposed.Token);
                break;
            case SendDecision.GiveUp why:
                Enter(record with
                {
                    Migration = (sent with { Phase = Before(sent.Phase) }).GiveUp(why.Reason, why.Cause),
                });
                break;
            case SendDecision.Stay:
                await qemu.LimitAsync(0, disposed.Token);
                await qemu.RemoveKeyAsync(disposed.Token);
                // QEMU itself runs those on that it stopped, but not those that stood still before.
                if (!sent.Stopped && facts.RunState is "paused" or "postmigrate") await process.Commands.ContAsync(disposed.Token);
                Conclude(sent, sent.Reason == Cancelled ? MigrationPhase.Cancelled : MigrationPhase.Failed, null);
                break;
            case SendDecision.Leave:
                // One that was over before it was looked at has copied its memory all the same.
                var whole = sent with { BytesTotal = Math.Max(sent.BytesTotal, memory.Total) };
                Conclude(whole, MigrationPhase.Left, stands is { } since ? settings.Time.GetElapsedTime(since) : memory.Downtime);
                break;
            default:
                Progress(sent, facts, memory);
                if (sent is { Phase: MigrationPhase.CopyingDisk, Giving: false } && facts.Job is { } job)
                    await PressAsync(qemu, job);
                break;
        }
    }

    /// <summary>
    /// A guest that writes without pause is never copied whole: once little is missing, it is held to ever fewer writes a
    /// second until that is so, and then let go.
    /// </summary>
    private async Task PressAsync(QmpMigration qemu, DiskJob job)
    {
        if (job.Total - job.Done > LittleMissing) ticks = 0;
        else if (++ticks > TicksBeforePress)
            await qemu.LimitAsync(Math.Max(LeastWrites, MostWrites >> Math.Min(ticks - TicksBeforePress, 30)), disposed.Token);
    }

    private static MigrationPhase Before(MigrationPhase phase) =>
        phase == MigrationPhase.Switching ? MigrationPhase.CopyingMemory : phase;

    private async Task CopyDiskAsync(QmpMigration qemu)
    {
        // A new agent is told again where the guest goes.
        if (outgoing is not { } to) return;
        await ReachAsync(to.Host, to.DiskPort);
        await ReachAsync(to.Host, to.MemoryPort);
        WriteKey(to.Secret);
        try
        {
            await qemu.RemoveKeyAsync(disposed.Token);
            await qemu.AddKeyAsync(server: false, disposed.Token);
        }
        finally
        {
            File.Delete(files.MigrationKey);
        }
        (disconnected, ticks) = (false, 0);
        await qemu.OpenDiskAsync(to.Host, to.DiskPort, disposed.Token);
        await qemu.MirrorAsync(VmCommandLine.DiskNode, disposed.Token);
    }

    /// <summary>Gives up on a target that answers nobody any more.</summary>
    private async Task<bool> IsLostAsync(VmMigration sent)
    {
        if (outgoing is not { } to || sent is { Giving: true } or { Phase: MigrationPhase.Switching }) return false;
        if (settings.Time.GetElapsedTime(reached) < ReachEvery) return false;
        reached = settings.Time.GetTimestamp();
        try
        {
            await ReachAsync(to.Host, to.DiskPort);
            return false;
        }
        catch (SocketException e)
        {
            Enter(record with { Migration = sent.GiveUp(ReasonOf(e), CauseOf(e)) });
            moved.TrySetResult();
            return true;
        }
    }

    /// <summary>QEMU answers nobody while it connects: what cannot be reached is found out before.</summary>
    private async Task ReachAsync(string host, int port)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(disposed.Token);
        limit.CancelAfter(ReachDeadline);
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync(host, port, limit.Token);
        }
        catch (OperationCanceledException) when (!disposed.IsCancellationRequested)
        {
            throw new SocketException((int)SocketError.TimedOut);
        }
    }

    private void Conclude(VmMigration sent, MigrationPhase phase, TimeSpan? downtime)
    {
        outgoing = null;
        var left = phase == MigrationPhase.Left;
        Enter(record with
        {
            Phase = left ? VmPhase.Left : sent.Stopped ? VmPhase.Outgoing : VmPhase.Running,
            Since = left ? Now : record.Since,
            Cause = left ? "it has left for another hypervisor" : record.Cause,
            Migration = sent with
            {
                Phase = phase,
                Giving = false,
                Downtime = sent.Stopped ? null : downtime,
                BytesDone = left ? sent.BytesTotal : sent.BytesDone,
                Reason = left ? "" : sent.Reason,
                Cause = left ? "" : sent.Cause,
            },
        });
        QemuLog.Sent(settings.Logger, id, phase, sent.Cause, downtime ?? TimeSpan.Zero);
        Tell(VmEventKind.Migrated, sent.Cause);
    }

    /// <summary>In memory only: it is asked for again.</summary>
    private void Progress(VmMigration sent, SendFacts facts, MigrationState memory)
    {
        var copying = sent.Phase == MigrationPhase.CopyingMemory;
        var job = facts.Job;
        var next = sent with
        {
            BytesDone = (job?.Done ?? 0) + (copying ? memory.Total - memory.Remaining : 0),
            BytesTotal = (job?.Total ?? 0) + (copying ? memory.Total : 0),
        };
        // Dirtied memory is to be copied again: that is told too, but nothing that is less than a percent.
        if (next == sent || job is null
            || (next.BytesTotal == sent.BytesTotal
                && Math.Abs(next.BytesDone - sent.BytesDone) * OnePercent < next.BytesTotal)) return;
        lock (gate) record = record with { Migration = next };
        Publish();
        Tell(VmEventKind.Migrated, "");
    }
}
