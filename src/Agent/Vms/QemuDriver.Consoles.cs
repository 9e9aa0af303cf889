using Monolith.Agent.Consoles;

namespace Monolith.Agent.Vms;

/// <summary>Consoles of what is here; see <see cref="QemuVm"/>.</summary>
public sealed partial class QemuDriver : IVmConsoles
{
    public IAsyncEnumerable<ReadOnlyMemory<byte>> ReadLogAsync(
        VmId id, int tailLines, Task until, CancellationToken cancellation) =>
        Here(id).ReadLogAsync(tailLines, until, cancellation);

    public Task<ISerialLine> ConnectAsync(VmId id, CancellationToken cancellation) =>
        Here(id).ConnectAsync(cancellation);

    public Task<byte[]> TakeScreenshotAsync(VmId id, CancellationToken cancellation) =>
        Here(id).TakeScreenshotAsync(cancellation);

    private QemuVm Here(VmId id) => Known(id) is { Observation: not null } vm
        ? vm
        : throw new VmException(VmFailure.NotFound, $"VM {id} is not on this hypervisor");
}
