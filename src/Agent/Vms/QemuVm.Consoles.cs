using Monolith.Agent.Consoles;
using Monolith.Agent.Vms.Qmp;

namespace Monolith.Agent.Vms;

/// <summary>
/// Console and screen. They wait for none of the VM's other requests: what a guest shows is wanted most while it is slow
/// to start or to stop.
/// </summary>
internal sealed partial class QemuVm
{
    // Twice the 8 MiB of the device, so that nothing that a guest can show is more.
    private const int LargestScreen = 16 << 20;

    private readonly SemaphoreSlim screening = new(1, 1);

    public IAsyncEnumerable<ReadOnlyMemory<byte>> ReadLogAsync(
        int tailLines, Task until, CancellationToken cancellation) =>
        serial.ReadAsync(tailLines, until, settings.Time, cancellation);

    public Task<ISerialLine> ConnectAsync(CancellationToken cancellation)
    {
        _ = Alive();
        return port.ConnectAsync(cancellation);
    }

    public async Task<byte[]> TakeScreenshotAsync(CancellationToken cancellation)
    {
        var alive = Alive();
        await screening.WaitAsync(cancellation);
        try
        {
            await File.WriteAllBytesAsync(files.Screen, [], cancellation);
            settings.User?.Own(files.Screen);
            await alive.Commands.ScreendumpAsync(VmCommandLine.Screen, cancellation);
            return new FileInfo(files.Screen).Length <= LargestScreen
                ? await File.ReadAllBytesAsync(files.Screen, cancellation)
                : throw new VmException(VmFailure.NoDevice, $"the picture of VM {id} is larger than its screen can be");
        }
        catch (QmpCommandException e)
        {
            throw new VmException(
                VmFailure.NoDevice,
                $"QEMU of VM {id} shows no screen ({e.Description}): it was started without one. Restart the server", e);
        }
        catch (Exception e) when (e is not (VmException or OperationCanceledException))
        {
            throw QemuFault.From(e, id, "screenshot");
        }
        finally
        {
            File.Delete(files.Screen);
            screening.Release();
        }
    }

    /// <summary>Read beside the VM's own task: what it lets go of meanwhile says so when it is used.</summary>
    private QemuProcess Alive() => (record.Phase, process) switch
    {
        (VmPhase.Left, _) => throw new VmException(VmFailure.Migrating, $"the guest of VM {id} has left this hypervisor"),
        (not VmPhase.Outgoing, { Exited.IsCompleted: false } alive) => alive,
        _ => throw new VmException(VmFailure.NotRunning, $"VM {id} does not run: start the server"),
    };
}
