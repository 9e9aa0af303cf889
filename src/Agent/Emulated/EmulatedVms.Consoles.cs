using Monolith.Agent.Consoles;
using Monolith.Agent.Vms;

namespace Monolith.Agent.Emulated;

/// <summary>Consoles of emulated guests.</summary>
public sealed partial class EmulatedVms : IVmConsoles
{
    /// <summary>One black pixel.</summary>
    private static readonly byte[] Screen = Convert.FromBase64String(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==");

    public IAsyncEnumerable<ReadOnlyMemory<byte>> ReadLogAsync(
        VmId id, int tailLines, Task until, CancellationToken cancellation) =>
        ConsoleOf(id, mustRun: false).ReadAsync(tailLines, until, dice.Time, cancellation);

    public Task<ISerialLine> ConnectAsync(VmId id, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        return Task.FromResult<ISerialLine>(new Line(ConsoleOf(id, mustRun: true)));
    }

    public Task<byte[]> TakeScreenshotAsync(VmId id, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        _ = ConsoleOf(id, mustRun: true);
        return Task.FromResult(Screen);
    }

    private EmulatedConsole ConsoleOf(VmId id, bool mustRun)
    {
        lock (gate)
        {
            var machine = machines.GetValueOrDefault(id)
                ?? throw new VmException(VmFailure.NotFound, $"VM {id} is not on this hypervisor");
            if (mustRun && machine.Phase == VmPhase.Left)
                throw new VmException(VmFailure.Migrating, $"the guest of VM {id} has left this hypervisor");
            if (mustRun && machine.Phase != VmPhase.Running)
                throw new VmException(VmFailure.NotRunning, $"VM {id} does not run: start the server");
            // A guest that came from elsewhere has written nothing here.
            return machine.Console ??= new EmulatedConsole(
                machine.Plan, machine.Phase, machine.Generation > 0 && machine.Migration is not { Host.Length: > 0 });
        }
    }

    private sealed class Line(EmulatedConsole console) : ISerialLine
    {
        public Task Closed { get; } = console.Closed;

        public Task WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
        {
            cancellation.ThrowIfCancellationRequested();
            console.Type(bytes.Span);
            return Task.CompletedTask;
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
