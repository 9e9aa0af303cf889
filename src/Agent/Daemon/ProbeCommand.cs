using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Agent.Vms;

namespace Monolith.Agent.Daemon;

internal static class ProbeCommand
{
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        var options = Arguments.Parse(arguments, "--state", "--accel", "--vm-user");
        var scratch = Directory.CreateTempSubdirectory("monolith-probe-").FullName;
        try
        {
            var qemu = RunCommand.Qemu(options, scratch);
            await using var vms = await QemuDriver.OpenAsync(
                qemu, TimeProvider.System, NullLogger.Instance, CancellationToken.None);
            var machine = Machine.Inventory(vms.Capabilities, scratch, "");
            Console.WriteLine($"cpus: {machine.Cpus}");
            Console.WriteLine($"memory_mib: {machine.MemoryMib}");
            Console.WriteLine($"architecture: {machine.Architecture}");
            foreach (var (name, value) in Machine.Capabilities(vms.Capabilities)) Console.WriteLine($"{name}: {value}");
            return 0;
        }
        finally
        {
            Directory.Delete(scratch, recursive: true);
        }
    }
}
