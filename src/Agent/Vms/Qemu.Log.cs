using Microsoft.Extensions.Logging;

namespace Monolith.Agent.Vms;

internal static partial class QemuLog
{
    [LoggerMessage(Level = LogLevel.Information, Message = "VM {Id}: {Phase}, generation {Generation}. {Cause}")]
    public static partial void Entered(ILogger logger, VmId id, VmPhase phase, long generation, string cause);

    [LoggerMessage(Level = LogLevel.Warning, Message = "VM {Id}: crashed, generation {Generation}. {Cause}")]
    public static partial void Crashed(ILogger logger, VmId id, long generation, string cause);

    [LoggerMessage(Level = LogLevel.Information, Message = "VM {Id}: adopted QEMU {Pid}, status {Status}")]
    public static partial void Adopted(ILogger logger, VmId id, int pid, string status);

    [LoggerMessage(Level = LogLevel.Warning, Message = "VM {Id}: {Step} failed")]
    public static partial void StepFailed(ILogger logger, Exception cause, VmId id, string step);

    [LoggerMessage(Level = LogLevel.Information, Message = "QEMU {Version}, accelerator {Accelerator} ({Cause})")]
    public static partial void Probed(ILogger logger, string version, string accelerator, string cause);

    [LoggerMessage(Level = LogLevel.Information, Message = "VM {Id}: migration ended, {Phase}. {Cause} Downtime {Down}")]
    public static partial void Sent(ILogger logger, VmId id, MigrationPhase phase, string cause, TimeSpan down);
}
