using Monolith.Agent.V1;
using Monolith.Network.Addresses;
using Monolith.Network.FloatingAddresses;
using Monolith.Network.Ports;

namespace Monolith.Network.Translation;

/// <summary>What stands for which of a port's addresses outside of the cloud. Pure.</summary>
internal static class Translations
{
    /// <param name="hypervisor">Which is told: the port's, or the one that it is shared with.</param>
    public static IReadOnlyList<AddressTranslation> Of(PortRow port, string hypervisor)
    {
        if (port.FloatingAddresses.Length == 0 && port.NatPool.Length == 0) return [];
        var translations = new List<AddressTranslation>();
        foreach (var external in Words.Load(port.FloatingAddresses))
            if (Ip.TryParse(external, out var ip) && Attachments.InternalOf(port, ip) is { } own)
                translations.Add(new() { External = external, Internal = own, Inbound = true });
        var shared = Words.Load(hypervisor == port.SharedWith ? port.SharedNatAddresses : port.NatAddresses);
        foreach (var own in Words.Load(port.Addresses).Where(a => translations.TrueForAll(t => t.Internal != a)))
            if (Array.Find(shared, s => s.Contains(':') == own.Contains(':')) is { } external)
                translations.Add(new() { External = external, Internal = own });
        return translations;
    }
}
