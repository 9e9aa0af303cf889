using System.Globalization;

namespace Monolith.Agent.Network.Filter;

/// <summary>
/// A port's limits as nft(8) objects. The name says the rate, so that another rate is another object: the kernel does not
/// change one. Pure.
/// </summary>
internal static class LimitText
{
    private const string Prefix = "limit_";
    private const int BitsPerByte = 8, Burst = 128 * 1024;

    /// <param name="way">One word.</param>
    /// <param name="rate">Bits per second; 0 is no limit.</param>
    public static string Name(string way, long rate, string tap) => rate <= 0 ? "" : $"{Prefix}{way}_{rate}_{tap}";

    public static bool IsName(string name) => name.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>
    /// What goes beyond matches, and is to be dropped. The kernel lets a second's worth come at once, and the burst beyond it:
    /// a packet of a guest is up to 64 KiB long before it is cut (TSO), and would never fit into a small rate.
    /// </summary>
    public static string Body(string name)
    {
        var bytes = Math.Max(long.Parse(name.Split('_')[2], CultureInfo.InvariantCulture) / BitsPerByte, 1);
        return $"rate over {bytes} bytes/second burst {Burst} bytes";
    }
}
