using System.Runtime.InteropServices;
using Monolith.Agent.Native.Raw;
using Monolith.Agent.Native.Safe;
using Monolith.Agent.Network;
using static Monolith.Agent.Native.Raw.LibcConstants;

namespace Monolith.Agent.Tests.Lab;

/// <summary>
/// A guest without a virtual machine: a namespace whose eth0 is a tap, and a pump that carries frames between it and
/// the port's tap, as QEMU would.
/// <code>[namespace: eth0] ─ fd ─ pump ─ fd ─ [hypervisor: vt…]</code>
/// </summary>
internal sealed class Guest : IDisposable
{
    private readonly TestNamespace hypervisor;
    private readonly string tap;
    private readonly FileHandle inside;
    private Cable? cable;

    public Guest(TestNamespace hypervisor, string tap, MacAddress mac, string role)
    {
        (this.hypervisor, this.tap) = (hypervisor, tap);
        Namespace = new TestNamespace(role);
        using var thread = new NamespaceThread("guest", Namespace.Path);
        inside = thread.RunAsync(() => RawGuest.Open("eth0"), CancellationToken.None).GetAwaiter().GetResult();
        Namespace.Run("ip", "link", "set", "eth0", "address", mac.ToString());
        Namespace.Run("ip", "link", "set", "eth0", "up");
    }

    public TestNamespace Namespace { get; }

    /// <summary>Opens the port's tap: it gets carrier.</summary>
    public void PowerOn()
    {
        using var thread = new NamespaceThread("plug", hypervisor.Path);
        var outside = thread.RunAsync(() => RawGuest.Open(tap), CancellationToken.None).GetAwaiter().GetResult();
        cable = new Cable(inside, outside);
    }

    /// <summary>Lets go of the tap, as a QEMU that dies.</summary>
    public void PowerOff()
    {
        cable?.Dispose();
        cable = null;
    }

    /// <summary>Configures the address by hand, for tests that are not about DHCP.</summary>
    public void Configure(params string[] addresses)
    {
        foreach (var address in addresses)
        {
            var v6 = address.Contains(':', StringComparison.Ordinal);
            string[] command = ["ip", "addr", "add", address + (v6 ? "/128" : "/32"), "dev", "eth0", .. v6 ?
                ["nodad"] : Array.Empty<string>()];
            Namespace.Run(command);
        }

        Namespace.Run("ip", "route", "replace", "169.254.1.1", "dev", "eth0");
        Namespace.Run("ip", "route", "replace", "default", "via", "169.254.1.1", "dev", "eth0");
        Namespace.Run("ip", "-6", "route", "replace", "default", "via", "fe80::1", "dev", "eth0");
    }

    public bool Pings(string target, params string[] options) =>
        Namespace.Try(["ping", "-c", "1", "-W", "1", .. options, target]).Code == 0;

    /// <summary>Whether a TCP connection is accepted within a second.</summary>
    public bool Connects(string target, int port) =>
        Namespace.Try("busybox", "nc", "-w", "1", target, $"{port}").Code == 0;

    public void Dispose()
    {
        PowerOff();
        inside.Dispose();
        Namespace.Dispose();
    }
}

/// <summary>Carries frames both ways until it is disposed. Owns the outer end.</summary>
internal sealed class Cable : IDisposable
{
    private const short Readable = 1;
    private readonly FileHandle inside, outside;
    private readonly Thread thread;
    private volatile bool stopped;

    public Cable(FileHandle inside, FileHandle outside)
    {
        (this.inside, this.outside) = (inside, outside);
        thread = new Thread(Pump) { IsBackground = true, Name = "cable" };
        thread.Start();
    }

    public void Dispose()
    {
        stopped = true;
        thread.Join();
        outside.Dispose();
    }

    private void Pump()
    {
        var frame = new byte[70_000];
        var fds = new PollFd[2];
        while (!stopped)
        {
            fds[0] = new PollFd { Fd = (int)inside.DangerousGetHandle(), Events = Readable };
            fds[1] = new PollFd { Fd = (int)outside.DangerousGetHandle(), Events = Readable };
            if (poll(fds, (nuint)fds.Length, 50) <= 0)
                continue;
            if (fds[0].Returned != 0 && !Move(inside, outside, frame))
                return;
            if (fds[1].Returned != 0 && !Move(outside, inside, frame))
                return;
        }
    }

    /// <returns>False when the interface behind the source is gone.</returns>
    private static bool Move(FileHandle from, FileHandle to, byte[] frame)
    {
        var length = Libc.read(from, frame, (nuint)frame.Length);
        if (length < 0)
            return Marshal.GetLastPInvokeError() is EAGAIN or EINTR;
        // A frame that the other side does not take is lost, as on a wire.
        Libc.write(to, frame.AsSpan(0, (int)length), (nuint)length);
        return true;
    }

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int poll([In, Out] PollFd[] fds, nuint count, int timeout);

    [StructLayout(LayoutKind.Sequential)]
    private struct PollFd
    {
        public int Fd;
        public short Events;
        public short Returned;
    }
}
