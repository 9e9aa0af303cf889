namespace Monolith.Agent.Vms;

/// <summary>
/// Arguments of a QEMU that runs no guest and has no machine: it reads a VM's disk while nobody else has it open, as
/// confined as the VM's own. Pure.
/// </summary>
internal static class CopierCommandLine
{
    public const string MonitorSocket = "snapshot.sock";

    /// <param name="runAs">As <see cref="VmHost"/>'s.</param>
    /// <param name="pidFile">Absolute: by this argument it is found again.</param>
    public static List<string> Build(string? runAs, string pidFile)
    {
        var arguments = new List<string>
        {
            "-machine", "none", "-nodefaults", "-no-user-config", "-display", "none",
            "-sandbox", "on,obsolete=deny,spawn=deny,resourcecontrol=deny",
        };
        if (runAs is not null) arguments.AddRange(["-runas", runAs]);
        arguments.AddRange(
        [
            "-pidfile", pidFile, "-msg", "timestamp=on",
            "-chardev", $"socket,id=qmp,path={MonitorSocket},server=on,wait=off", "-mon", "chardev=qmp,mode=control",
            "-blockdev",
            $"driver=file,node-name={VmCommandLine.DiskNode}-file,filename={VmCommandLine.Disk},read-only=on",
            "-blockdev",
            $"driver=qcow2,node-name={VmCommandLine.DiskNode},file={VmCommandLine.DiskNode}-file,read-only=on",
        ]);
        return arguments;
    }
}
