namespace Monolith.Agent.Vms;

/// <summary>
/// Arguments of a QEMU that runs no guest and has no machine: at one end it has a stopped VM's disk, at the other it takes
/// it, with the same ports, jobs and words as QEMUs that have a guest. There is no memory and no device that the two would
/// have to be alike in. Pure.
/// </summary>
internal static class CarrierCommandLine
{
    public static List<string> Build(VmHost host)
    {
        List<string> arguments = ["-machine", "none", "-nodefaults", "-no-user-config", "-display", "none", "-S"];
        VmCommandLine.AddConfinement(arguments, host);
        arguments.AddRange(
        [
            "-chardev", $"socket,id=qmp,path={VmCommandLine.MonitorSocket},server=on,wait=off", "-mon", "chardev=qmp,mode=control",
            "-blockdev",
            $"driver=file,node-name={VmCommandLine.DiskNode}-file,filename={VmCommandLine.Disk},discard=unmap",
            "-blockdev",
            $"driver=qcow2,node-name={VmCommandLine.DiskNode},file={VmCommandLine.DiskNode}-file,discard=unmap,"
                + "detect-zeroes=unmap",
        ]);
        if (host.Incoming) arguments.AddRange(["-incoming", "defer"]);
        return arguments;
    }
}
