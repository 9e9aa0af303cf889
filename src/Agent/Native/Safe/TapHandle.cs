using System.Runtime.InteropServices;
using System.Text;
using Monolith.Agent.Native.Raw;
using static Monolith.Agent.Native.Raw.IfTunConstants;
using static Monolith.Agent.Native.Raw.LibcConstants;

namespace Monolith.Agent.Native.Safe;

/// <summary>The side of a tap that a machine emulator holds.</summary>
internal static class TapHandle
{
    /// <summary>Opens a tap by name, in the calling thread's network namespace; makes it where it is not there.</summary>
    /// <exception cref="ErrnoException">EBUSY: somebody holds it.</exception>
    public static FileHandle Open(string name)
    {
        var tun = FileHandle.Open("/dev/net/tun", O_RDWR);
        try
        {
            var request = new ifreq { ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
            Encoding.ASCII.GetBytes(name, request.ifr_name);
            var bytes = MemoryMarshal.AsBytes(new Span<ifreq>(ref request));
            return Libc.ioctl(tun, TUNSETIFF, bytes) < 0 ? throw ErrnoException.Last($"ioctl(TUNSETIFF {name})") : tun;
        }
        catch
        {
            tun.Dispose();
            throw;
        }
    }
}
