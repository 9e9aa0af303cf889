using System.Security.Cryptography;
using System.Text;

namespace Monolith.Agent.Network;

/// <summary>
/// Interface names of taps: at most 15 bytes (IFNAMSIZ), so a digest of the port's id stands in for it.
/// </summary>
public static class TapName
{
    public const int MaxLength = 15;
    private const int DigestLength = 12;

    /// <summary>The tap of a port: the same on every hypervisor and after every restart.</summary>
    /// <param name="portId">Any text.</param>
    /// <param name="prefix">1-3 of letters and digits, as in <see cref="DataPlaneOptions.TapPrefix"/>.</param>
    public static string Of(string portId, string prefix = DataPlaneOptions.DefaultTapPrefix) =>
        prefix + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(portId)))[..DigestLength];
}
