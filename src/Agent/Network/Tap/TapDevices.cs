using Monolith.Agent.Native.Raw;
using Monolith.Agent.Native.Safe;
using static Monolith.Agent.Native.Raw.IfTunConstants;
using static Monolith.Agent.Native.Raw.LibcConstants;

namespace Monolith.Agent.Network.Tap;

/// <summary>Makes taps and keeps them as planned. Runs on the namespace's thread.</summary>
internal sealed class TapDevices(LinkTable links, AddressTable addresses, NeighbourTable neighbours)
{
    private const int GatewayPrefix4 = 32, GatewayPrefix6 = 64;

    /// <summary>Puts one tap right, from nothing or from any state in which an interrupted try left it.</summary>
    public Link Ensure(PortPlan plan)
    {
        var link = links.Find(plan.TapName);
        if (link is not null && link.Kind != "tun")
            throw new IOException(
                $"{plan.TapName} exists and is no tap ({link.Kind}): remove it or change the tap prefix");
        if (link is null || link.Owner != plan.OwnerUid || link.Group != plan.OwnerGid || !link.Persistent)
        {
            Create(plan);
            link = Found(plan.TapName);
        }

        if (link.Alias != plan.PortId)
            links.SetAlias(link, plan.PortId);
        if (link.Mac != Gateway.Mac)
            links.SetMac(link, Gateway.Mac);
        if (link.Mtu != plan.Mtu)
            links.SetMtu(link, plan.Mtu);
        if (!link.Up)
        {
            links.SetNoAddressGeneration(link);
            SetSysctls(plan.TapName);
            links.SetUp(link.Name, link.Index);
        }
        else
        {
            SetSysctls(plan.TapName);
        }

        EnsureAddresses(link);
        EnsureNeighbours(link, plan);
        return Found(plan.TapName);
    }

    private Link Found(string name) => links.Find(name) ?? throw new ErrnoException($"RTM_GETLINK {name}", ENODEV);

    private void EnsureAddresses(Link link)
    {
        var present = addresses.List().Where(a => a.Index == link.Index).Select(a => a.Address).ToHashSet();
        if (!present.Contains(Gateway.Ipv4))
            addresses.Add(link.Index, Gateway.Ipv4, GatewayPrefix4, linkScope: true, link.Name);
        // The kernel takes fe80 addresses away with the link, so this one is looked for each time.
        if (!present.Contains(Gateway.Ipv6))
            addresses.Add(link.Index, Gateway.Ipv6, GatewayPrefix6, linkScope: true, link.Name);
    }

    /// <summary>
    /// Who has the guest's addresses is in the plan. What is said is not asked for: the guest cannot say otherwise, nor can a
    /// neighbour who fills the kernel's table with names of his own keep it from being found.
    /// </summary>
    private void EnsureNeighbours(Link link, PortPlan plan)
    {
        var said = neighbours.List(link.Index).Where(n => n.Permanent).ToDictionary(n => n.Address, n => n.Mac);
        foreach (var address in plan.Addresses.Where(a => said.GetValueOrDefault(a) != plan.Mac))
            neighbours.SetPermanent(link.Index, address, plan.Mac, link.Name);
        foreach (var address in said.Keys.Except(plan.Addresses))
            neighbours.Remove(link.Index, address, link.Name);
    }

    private static void SetSysctls(string tap)
    {
        foreach (var setting in Settings.Tap)
        {
            var (path, value) = Settings.Of(setting, tap);
            Sysctl.Set(path, value);
        }
    }

    private static void Create(PortPlan plan)
    {
        using var tun = TapHandle.Open(plan.TapName);
        Check(Libc.ioctl(tun, TUNSETOWNER, (nint)plan.OwnerUid), $"ioctl(TUNSETOWNER {plan.TapName})");
        Check(Libc.ioctl(tun, TUNSETGROUP, (nint)plan.OwnerGid), $"ioctl(TUNSETGROUP {plan.TapName})");
        // Last: a tap that is not persistent yet goes with the descriptor, and nothing half made stays.
        Check(Libc.ioctl(tun, TUNSETPERSIST, 1), $"ioctl(TUNSETPERSIST {plan.TapName})");
    }

    private static void Check(int result, string call)
    {
        if (result < 0)
            throw ErrnoException.Last(call);
    }
}
