using System.Net.Sockets;
using System.Text;
using static Monolith.Agent.Native.Raw.LibcConstants;

namespace Monolith.Agent.Network;

/// <summary>Ties a socket to one interface: it hears and speaks there only (SO_BINDTODEVICE, socket(7)).</summary>
internal static class DeviceBinding
{
    public static void Bind(Socket socket, string interfaceName) =>
        socket.SetRawSocketOption(SOL_SOCKET, SO_BINDTODEVICE, Encoding.ASCII.GetBytes(interfaceName + '\0'));
}
