using Monolith.Agent.Vms;

namespace Monolith.Agent.Daemon;

internal static class Usage
{
    public const string DefaultState = "/var/lib/monolith-agent";
    public const string DefaultBird = "/run/bird/bird.ctl";

    public const string Text = $"""
        monolith-agent: makes this machine a node of a Monolith cloud.

        monolith-agent join --host ADDRESS:PORT --token TOKEN [--state DIR]
            Trades a token of `monolith node token NODE` for a certificate. May be repeated.

        monolith-agent run [--state DIR] [--bird SOCKET] [--zone ZONE] [--accel auto|tcg|kvm] [--vm-user USER]
                           [--cgroup NAME] [--protect PREFIX]... [--log debug|info|warn]
                           [--migrate-address ADDRESS] [--image-cache GIB] [--peer-port PORT]
            Runs until SIGTERM. Servers and load balancers go on when it stops.
              --state    where it keeps what it knows, default {DefaultState}
              --bird     BIRD's control socket, default {DefaultBird}
              --zone     availability zone that it reports
              --accel    auto (default) proves KVM by a probe guest
              --vm-user  user that QEMU runs as, default monolith-vm, else nobody
              --cgroup   group below which each server has its own, default {QemuOptions.DefaultCgroup}
              --protect  prefix that no guest may connect to, such as the management network
              --migrate-address  where servers from other hypervisors are taken, TCP 49152 to 49663; default: the address
                         that the host is reached from
              --image-cache  what images may take on the disk; those of servers count, and stay in any case. Those that are
                         wanted ahead stay while there is room. Of the rest, those go that were asked for longest ago. Default:
                         a tenth of the disk for the rest, and all but a tenth for those that are wanted ahead
              --peer-port  where other hypervisors get images that this one has, at the address of --migrate-address, default
                         49664; 0: nowhere

        monolith-agent probe [--state DIR] [--accel auto|tcg|kvm] [--vm-user USER]
            Prints what this machine can do, proved.

        monolith-agent status [--state DIR]
            Prints how the agent of this machine is. Ends with 0 when it runs and is in sync.

        Ends with 0: done, 1: failed, 2: wrong use, 3: another agent uses the state directory.
        """;
}

/// <summary>Another agent uses the state directory.</summary>
internal sealed class StateBusyException(string stateDirectory) : Exception(
    $"another agent uses {stateDirectory}: stop it (systemctl stop monolith-agent), or give this one another --state.");
