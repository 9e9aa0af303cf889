using Monolith.Agent.Cgroups;
using Monolith.Agent.Native.Safe;

namespace Monolith.Agent.Vms;

/// <summary>Finds out what QEMU and this machine can do, by trying.</summary>
internal static class QemuProbe
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(15);

    public static async Task<VmCapabilities> RunAsync(
        QemuOptions options, ProcessUser? user, CgroupTree cgroups, CancellationToken cancellation)
    {
        var version = QemuProbeText.Version(await AskAsync(options, cancellation, "--version"));
        var machines = QemuProbeText.MachineTypes(await AskAsync(options, cancellation, "-machine", "help"));
        var cause = options.Accelerator is null ? await WhyNotKvmAsync(options, cancellation) : "";
        return new VmCapabilities(
            version, options.Accelerator ?? (cause.Length == 0 ? "kvm" : "tcg"), cause, machines,
            cgroups.Version, cgroups.Cause, user?.Name);
    }

    /// <summary>
    /// Boots a guest that changes to 64 bits and takes timer interrupts. A device file proves nothing: on some
    /// machines it opens, makes a VM, and guests hang.
    /// </summary>
    /// <returns>Empty when it ran to its end.</returns>
    private static async Task<string> WhyNotKvmAsync(QemuOptions options, CancellationToken cancellation)
    {
        try
        {
            using var device = File.OpenHandle("/dev/kvm", FileMode.Open, FileAccess.ReadWrite);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"/dev/kvm does not open: {e.Message}";
        }
        return await BootAsync(options, "kvm", cancellation);
    }

    /// <returns>Empty when the probe's guest ran to its end under this accelerator.</returns>
    internal static async Task<string> BootAsync(
        QemuOptions options, string accelerator, CancellationToken cancellation)
    {
        var sector = Path.Combine(options.VmsDirectory, $".probe-{Environment.ProcessId}.img");
        try
        {
            await File.WriteAllBytesAsync(sector, QemuProbeGuest.Disk, cancellation);
            var result = await ProcessCommand.RunAsync(
                options.QemuExecutable,
                ["-nodefaults", "-no-user-config", "-display", "none", "-machine", "q35", "-accel", accelerator,
                    "-cpu", accelerator == "kvm" ? "host" : "max", "-m", "32", "-no-reboot",
                    "-drive", $"if=none,id=d,format=raw,readonly=on,file={sector}", "-device", "virtio-blk-pci,drive=d",
                    "-device", "isa-debug-exit,iobase=0x501,iosize=1"],
                options.VmsDirectory, Deadline, cancellation);
            return result.ExitCode == QemuProbeGuest.ExitCode
                ? ""
                : $"the probe guest ended with {result.ExitCode} on {accelerator}: {result.Output.Trim()}";
        }
        catch (TimeoutException)
        {
            return $"the probe guest hung for {Deadline.TotalSeconds} s on {accelerator}";
        }
        finally
        {
            File.Delete(sector);
        }
    }

    private static async Task<string> AskAsync(
        QemuOptions options, CancellationToken cancellation, params string[] arguments)
    {
        try
        {
            var result = await ProcessCommand.RunAsync(
                options.QemuExecutable, arguments, options.VmsDirectory, Deadline, cancellation);
            return result.Succeeded
                ? result.Output
                : throw new VmException(
                    VmFailure.NotInstalled, $"{options.QemuExecutable} fails: {result.Output.Trim()}");
        }
        catch (FileNotFoundException e)
        {
            throw new VmException(
                VmFailure.NotInstalled, $"{options.QemuExecutable} is missing: install qemu-system-x86", e);
        }
        catch (TimeoutException e)
        {
            throw new VmException(VmFailure.Unresponsive, e.Message, e);
        }
    }
}

/// <summary>Reads what QEMU prints about itself. Pure.</summary>
internal static class QemuProbeText
{
    /// <summary>"QEMU emulator version 7.2.22 (Debian …)" to "7.2.22".</summary>
    public static string Version(string output)
    {
        const string before = "version ";
        var start = output.IndexOf(before, StringComparison.Ordinal);
        if (start < 0) return "unknown";
        var rest = output[(start + before.Length)..];
        var end = rest.IndexOfAny([' ', '\n', '(']);
        return end < 0 ? rest.Trim() : rest[..end];
    }

    /// <summary>First words of the lines under "Supported machines are:".</summary>
    public static List<string> MachineTypes(string output) =>
        [.. output.Split('\n').Skip(1)
            .Select(line => line.Split(' ', 2)[0].Trim()).Where(word => word.Length > 0 && word != "none")];
}
