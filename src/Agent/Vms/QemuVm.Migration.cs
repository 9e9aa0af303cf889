using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;
using Monolith.Agent.Vms.Qmp;

namespace Monolith.Agent.Vms;

/// <summary>How a guest comes from another hypervisor, and how it goes to one.</summary>
internal sealed partial class QemuVm
{
    private const string Cancelled = "CANCELLED";
    private const int FirstPort = 49152, Ports = 512;

    // The guest stands still between QEMU's events and what follows from them: those are waited for, not asked for.
    private static readonly TimeSpan MoveEvery = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan ReachDeadline = TimeSpan.FromSeconds(3);

    // QEMU would wait for ever for a target that is gone without a word.
    private static readonly TimeSpan ReachEvery = TimeSpan.FromSeconds(5);
    private const int OnePercent = 100;
    private const long LittleMissing = 64 << 20;
    private const int TicksBeforePress = 4, MostWrites = 2048, LeastWrites = 16;

    private volatile TaskCompletionSource moved = NewDone();
    private VmOutgoing? outgoing;
    private long reached;
    private bool disconnected;
    private int ticks;

    /// <summary>There is something to do or to look for.</summary>
    private bool IsMoving => process is not null && record switch
    {
        { Phase: VmPhase.Incoming, Migration.Phase: MigrationPhase.Listening } => true,
        { Phase: VmPhase.Running, Migration: { } migration } => migration.IsSending,
        _ => false,
    };

    private Task MoveDueAsync() => Task.WhenAny(moved.Task, Task.Delay(MoveEvery, settings.Time, disposed.Token));

    private async Task ReceiveAsync(VmPlan plan, VmIncoming incoming)
    {
        QemuFault.Check(plan);
        if (!VmId.IsValid(incoming.Migration) || !IsKey(incoming.Secret))
            throw new VmException(VmFailure.InvalidPlan, $"the migration to VM {id} has no valid name or secret");
        if (record.Migration is { Phase: not MigrationPhase.Opening } known && known.Id == incoming.Migration
            && (process is not null || known.Phase != MigrationPhase.Listening))
        {
            Keep(plan);
            if (record.Generation != plan.Generation) Enter(record with { Generation = plan.Generation });
            return;
        }
        if (record.Phase is VmPhase.Running or VmPhase.Left || record.Migration is { Phase: MigrationPhase.Missed })
            throw new VmException(VmFailure.Migrating, $"VM {id} has a guest, or had one: another cannot come to it");
        if (process is not null) await EndAsync("");
        if (!File.Exists(files.Disk))
            throw new VmException(VmFailure.NotFound, $"VM {id} has no disk here: ensure it first");
        Keep(plan);
        var opening = new VmMigration(incoming.Migration, MigrationPhase.Opening);
        Enter(new VmRecord(
            VmPhase.Incoming, plan.Generation, VmCommandLine.Shape(plan), null, Now, "", opening));
        try
        {
            await SpawnAsync(plan, incoming: true);
            var (memory, disk) = await ListenAsync(incoming);
            Enter(record with
            {
                Migration = opening with
                {
                    Phase = MigrationPhase.Listening,
                    Host = incoming.Host,
                    MemoryPort = memory,
                    DiskPort = disk,
                },
            });
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            var fault = QemuFault.From(e, id, "opening to a guest");
            await EndAsync("");
            Enter(record with
            {
                Phase = VmPhase.Stopped,
                Process = null,
                Since = Now,
                Cause = fault.Message,
                Migration = opening,
            });
            throw fault;
        }
        Tell(VmEventKind.Migrated, "");
    }

    private async Task<(int Memory, int Disk)> ListenAsync(VmIncoming incoming)
    {
        var qemu = process!.Migration;
        WriteKey(incoming.Secret);
        await qemu.AddKeyAsync(server: true, disposed.Token);
        var disk = await FreePortAsync(
            port => qemu.ServeDiskAsync(VmCommandLine.DiskNode, incoming.Host, port, disposed.Token));
        var memory = await FreePortAsync(port => qemu.ListenAsync(incoming.Host, port, disposed.Token));
        return (memory, disk);
    }

    /// <summary>QEMU does not tell which port it got: we say which.</summary>
    private static async Task<int> FreePortAsync(Func<int, Task> listenAsync)
    {
        var start = Random.Shared.Next(Ports);
        for (var i = 0; ; i++)
        {
            var port = FirstPort + ((start + i) % Ports);
            try
            {
                await listenAsync(port);
                return port;
            }
            catch (QmpCommandException e) when (
                i < Ports && e.Description.Contains("in use", StringComparison.OrdinalIgnoreCase))
            {
                // The next one.
            }
        }
    }

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
        if (process is not { GuestDown.IsCompleted: false } || record.Phase != VmPhase.Running)
            throw new VmException(VmFailure.NotFound, $"VM {id} does not run: only a running guest can be sent");
        if (IsCopying) await FailCopyAsync("SERVER_MIGRATED", "The server goes to another hypervisor.");
        (this.outgoing, reached) = (outgoing, settings.Time.GetTimestamp());
        Enter(record with { Migration = new VmMigration(outgoing.Migration, MigrationPhase.CopyingDisk) });
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
        if (record is { Phase: VmPhase.Running, Migration: { IsSending: true, Phase: not MigrationPhase.Switching } sent })
            Enter(record with { Migration = sent.GiveUp(Cancelled, "The migration was given up.") });
        await Task.CompletedTask;
    }

    private async Task ReclaimAsync(VmPlan plan)
    {
        QemuFault.Check(plan);
        if (record.Phase != VmPhase.Left) return;
        Keep(plan);
        var back = record.Migration! with
        {
            Phase = MigrationPhase.Failed,
            Reason = "TARGET_LOST",
            Cause = "The guest was lost at the target and goes on where it was.",
        };
        var alive = process is { Exited.IsCompleted: false };
        if (alive) await process!.Commands.ContAsync(disposed.Token);
        Enter(record with
        {
            Phase = alive ? VmPhase.Running : VmPhase.Crashed,
            Generation = plan.Generation,
            Since = Now,
            Cause = alive ? "" : "its memory was lost between two hypervisors",
            Migration = back,
        });
        Tell(alive ? VmEventKind.Started : VmEventKind.Crashed, back.Cause);
    }

    private async Task MoveAsync()
    {
        // Anew before looking: what happens from here on is looked at again.
        moved = NewDone();
        if (!process!.IsConnected) await process.ConnectAsync(AdoptDeadline, disposed.Token);
        if (record.Phase == VmPhase.Incoming) await LookForGuestAsync();
        else await SendOnAsync(record.Migration!);
    }

    private async Task LookForGuestAsync()
    {
        var status = await process!.Commands.QueryStatusAsync(disposed.Token);
        if (status == "inmigrate") return;
        var qemu = process.Migration;
        var came = (await qemu.QueryAsync(disposed.Token)).Status;
        // What came is no guest: what is left of this QEMU is of no use.
        if (came == "failed") process.Kill();
        if (came != "completed") return;
        Enter(record with
        {
            Phase = VmPhase.Running,
            Since = Now,
            Migration = record.Migration! with { Phase = MigrationPhase.Arrived },
        });
        Tell(VmEventKind.Started, "its guest has arrived");
        await CloseAsync();
    }

    /// <summary>Nothing listens for a guest that is here.</summary>
    private async Task CloseAsync()
    {
        File.Delete(files.MigrationKey);
        await process!.Migration.EndServingAsync(disposed.Token);
        await process.Migration.RemoveKeyAsync(disposed.Token);
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
                Conclude(sent, sent.Reason == Cancelled ? MigrationPhase.Cancelled : MigrationPhase.Failed, null);
                break;
            case SendDecision.Leave:
                // One that was over before it was looked at has copied its memory all the same.
                var whole = sent with { BytesTotal = Math.Max(sent.BytesTotal, memory.Total) };
                Conclude(whole, MigrationPhase.Left, memory.Downtime);
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
            Phase = left ? VmPhase.Left : VmPhase.Running,
            Since = left ? Now : record.Since,
            Cause = left ? "its guest has left for another hypervisor" : record.Cause,
            Migration = sent with
            {
                Phase = phase,
                Giving = false,
                Downtime = downtime,
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

    /// <summary>QEMU is no more, though nobody asked for it: what that means depends on where the guest was.</summary>
    private void Lose(string cause)
    {
        if (record.Phase == VmPhase.Left)
        {
            Enter(record with { Process = null });
            return;
        }
        if (record.Migration is { Phase: MigrationPhase.Switching } sent)
        {
            // Whether it got there is known at the target alone; until that says no, it must not run here.
            Enter(record with
            {
                Phase = VmPhase.Left,
                Process = null,
                Since = Now,
                Cause = cause,
                Migration = sent with { Phase = MigrationPhase.Left, Reason = "SOURCE_ENDED", Cause = cause },
            });
            Tell(VmEventKind.Migrated, cause);
            return;
        }
        lock (gate) record = record with { Migration = Ended(cause) };
        Crash(cause);
    }

    /// <summary>What becomes of a migration when its QEMU is no more.</summary>
    private VmMigration? Ended(string cause)
    {
        File.Delete(files.MigrationKey);
        return EndOf(record.Migration, cause);
    }

    private static VmMigration? EndOf(VmMigration? migration, string cause) => migration switch
    {
        { IsSending: true } sent => sent with
        {
            Phase = MigrationPhase.Failed,
            Giving = false,
            Reason = sent.Giving ? sent.Reason : "SOURCE_ENDED",
            Cause = sent.Giving ? sent.Cause : $"The server's machine ended while it was being sent: {cause}.",
        },
        { Phase: MigrationPhase.Opening or MigrationPhase.Listening } came => came with
        {
            Phase = MigrationPhase.Missed,
            Reason = "TARGET_ENDED",
            Cause = $"The machine that waited for the guest ended: {cause}.",
        },
        var over => over,
    };

    /// <summary>A guest that is not here, or not for sure, is nobody's here to start or stop.</summary>
    private void RefuseElsewhere(string what)
    {
        if (record.Migration is { IsElsewhere: true })
            throw new VmException(
                VmFailure.Migrating, $"VM {id} cannot be {what}: its guest is on its way between two hypervisors");
    }

    private void WriteKey(string secret)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.Create, Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        using (var file = new FileStream(files.MigrationKey, options))
            file.Write(Encoding.ASCII.GetBytes($"{QmpMigration.User}:{secret}\n"));
        settings.User?.Own(files.MigrationKey);
        // No secret; it stays.
        File.WriteAllText(files.DhParameters, DhParameters.Pem);
        File.SetUnixFileMode(files.DhParameters, Everybody);
    }

    private const UnixFileMode Everybody =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private static bool IsKey(string secret) => secret.Length == 64 && secret.All(char.IsAsciiHexDigit);

    private static string ReasonOf(Exception e) => e switch
    {
        SocketException => "TARGET_UNREACHABLE",
        QmpCommandException { Description: var words } when IsTls(words) => "TLS_REFUSED",
        TimeoutException => "QEMU_UNRESPONSIVE",
        _ => "MIGRATION_REFUSED",
    };

    private string CauseOf(Exception e) => e switch
    {
        SocketException => $"The target hypervisor cannot be reached at {outgoing?.Host}: {e.Message}.",
        QmpCommandException { Description: var words } when IsTls(words) =>
            $"The target refused the encrypted connection: {words}.",
        _ => $"The migration could not go on: {e.Message}.",
    };

    private static bool IsTls(string words) => words.Contains("TLS", StringComparison.Ordinal)
        || words.Contains("handshake", StringComparison.OrdinalIgnoreCase);
}
