using System.Buffers.Binary;
using Monolith.Agent.Vms;

namespace Monolith.Agent.Emulated;

/// <summary>Copies of disks: as long as a copy takes, and a qcow2 file of nothing but its size.</summary>
public sealed partial class EmulatedVms
{
    private const int Cluster = 1 << 16;

    public Task SnapshotAsync(VmId id, string snapshot, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        Machine machine;
        lock (gate)
        {
            machine = machines.GetValueOrDefault(id)
                ?? throw new VmException(VmFailure.NotFound, $"VM {id} is not here: it cannot be copied");
            if (machine.Snapshot?.Id == snapshot) return Task.CompletedTask;
            RefuseElsewhere(machine, "copied");
            machine.Snapshot = new VmSnapshot(
                snapshot, SnapshotPhase.Copying, BytesTotal: (long)machine.Plan.DiskGib << 30);
        }

        Tell(id, VmEventKind.Copied, "");
        // It goes on without an agent, as QEMU does.
        _ = CopyAsync(machine, snapshot);
        return Task.CompletedTask;
    }

    public Stream? OpenSnapshot(VmId id, string snapshot)
    {
        lock (gate)
            return machines.GetValueOrDefault(id) is { Snapshot: { Phase: SnapshotPhase.Copied } whole } machine
                && whole.Id == snapshot
                ? new MemoryStream(FileOf(machine.Plan), writable: false)
                : null;
    }

    public Task DropSnapshotAsync(VmId id, CancellationToken cancellation)
    {
        lock (gate)
            if (machines.GetValueOrDefault(id) is { } machine) machine.Snapshot = null;
        Tell(id, VmEventKind.Copied, "");
        return Task.CompletedTask;
    }

    private async Task CopyAsync(Machine machine, string snapshot)
    {
        await dice.WaitAsync(dice.Emulation.SnapshotLatency, CancellationToken.None);
        var fails = dice.Falls(dice.Emulation.SnapshotFailures);
        lock (gate)
        {
            if (machine.Snapshot is not { Phase: SnapshotPhase.Copying } copying || copying.Id != snapshot) return;
            machine.Snapshot = fails
                ? copying with
                {
                    Phase = SnapshotPhase.Failed,
                    Reason = "COPY_FAILED",
                    Cause = "Emulated failure of the copy.",
                }
                : copying with { Phase = SnapshotPhase.Copied, BytesDone = copying.BytesTotal };
        }

        Tell(machine.Plan.Id, VmEventKind.Copied, "");
    }

    /// <summary>A disk that was never written to (docs/interop/qcow2 of QEMU, version 3), but for a word that tells it
    /// from others.</summary>
    private static byte[] FileOf(VmPlan plan)
    {
        // Entries of the first table, 512 MiB each.
        var entries = plan.DiskGib * 2;
        var tables = (entries * 8 + Cluster - 1) / Cluster;
        var file = new byte[(2 + tables) * Cluster + 16];
        void Write32(int at, uint value) => BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(at), value);
        void Write64(int at, ulong value) => BinaryPrimitives.WriteUInt64BigEndian(file.AsSpan(at), value);
        Write32(0, 0x514649fb);
        Write32(4, 3);
        Write32(20, 16); // clusters of 64 KiB
        Write64(24, (ulong)plan.DiskGib << 30);
        Write32(36, (uint)entries);
        Write64(40, 2 * Cluster); // where it is
        Write64(48, Cluster); // the reference counts' table
        Write32(56, 1);
        Write32(96, 4); // 16 bits each
        Write32(100, 104);
        plan.Uuid.TryWriteBytes(file.AsSpan(file.Length - 16));
        return file;
    }
}
