using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;
using Monolith.Agent.Vms.Qmp;

namespace Monolith.Agent.Vms;

/// <summary>How a guest comes from another hypervisor, and what becomes of it when QEMU ends on the way.</summary>
internal sealed partial class QemuVm
{
    private const int FirstPort = 49152, Ports = 512;

    // The guest stands still between QEMU's events and what follows from them: those are waited for, not asked for.
    private static readonly TimeSpan MoveEvery = TimeSpan.FromMilliseconds(250);

    private volatile TaskCompletionSource moved = NewDone();

    /// <summary>There is something to do or to look for.</summary>
    private bool IsMoving => process is not null && record switch
    {
        { Phase: VmPhase.Incoming, Migration.Phase: MigrationPhase.Listening or MigrationPhase.Arrived } => true,
        { Phase: VmPhase.Outgoing } => true,
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
        if (record.Phase is VmPhase.Running or VmPhase.Outgoing or VmPhase.Left || record.Migration is { Phase: MigrationPhase.Missed })
            throw new VmException(VmFailure.Migrating, $"VM {id} has a guest, or had one: another cannot come to it");
        if (process is not null) await EndAsync("");
        if (!File.Exists(files.Disk))
            throw new VmException(VmFailure.NotFound, $"VM {id} has no disk here: ensure it first");
        Keep(plan);
        var opening = new VmMigration(incoming.Migration, MigrationPhase.Opening, Stopped: incoming.Stopped);
        Enter(new VmRecord(
            VmPhase.Incoming, plan.Generation, VmCommandLine.Shape(plan), null, Now, "", opening));
        try
        {
            await SpawnAsync(plan, incoming: true, carrier: incoming.Stopped);
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

    private async Task ReclaimAsync(VmPlan plan)
    {
        QemuFault.Check(plan);
        if (record.Phase != VmPhase.Left) return;
        Keep(plan);
        var back = record.Migration! with
        {
            Phase = MigrationPhase.Failed,
            Reason = "TARGET_LOST",
            Cause = record.Migration.Stopped
                ? "It was lost at the target, and is stopped where it was."
                : "The guest was lost at the target and goes on where it was.",
        };
        if (back.Stopped)
        {
            // The process that had the disk is ended by whoever finds it so.
            Enter(record with
            {
                Phase = process is null ? VmPhase.Stopped : VmPhase.Outgoing,
                Generation = plan.Generation,
                Since = Now,
                Cause = "",
                Migration = back,
            });
            await EndAsync("");
            Tell(VmEventKind.Stopped, back.Cause);
            return;
        }

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
        if (record.Migration is { Stopped: true, IsSending: false, Phase: not MigrationPhase.Listening } over)
        {
            // Written down already: this is what is left of it, and nothing runs that would have to go on.
            await EndAsync(over.Cause);
            Tell(VmEventKind.Migrated, over.Cause);
            return;
        }
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
        var arrived = record.Migration! with { Phase = MigrationPhase.Arrived };
        if (arrived.Stopped)
        {
            // The source copied with a flush: what was written here is here, whatever becomes of this QEMU.
            Enter(record with { Migration = arrived });
            moved.TrySetResult();
            return;
        }
        Enter(record with
        {
            Phase = VmPhase.Running,
            Since = Now,
            Migration = arrived,
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
        if (record.Phase != VmPhase.Outgoing && record is not { Phase: VmPhase.Incoming, Migration.Stopped: true })
        {
            Crash(cause);
            return;
        }
        // Nobody ran there.
        Enter(record with { Phase = VmPhase.Stopped, Process = null, Since = Now, Cause = cause });
        Tell(VmEventKind.Migrated, cause);
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
