using Microsoft.Extensions.Logging;
using Monolith.Agent.Network.Advertise;
using Monolith.Agent.Network.Dhcp;
using Monolith.Agent.Network.Tap;

namespace Monolith.Agent.Network;

/// <summary>What the agent answers on one tap: DHCP and router solicitations.</summary>
internal sealed class PortServices : IAsyncDisposable
{
    private readonly DhcpServer dhcp;
    private readonly RouterAdvertiser advertiser;
    private volatile PortPlan plan;

    /// <summary>Opens the sockets: on the namespace's thread.</summary>
    public PortServices(
        Link link, PortPlan plan, TimeSpan lease, Action<PortPlan> answered, TimeProvider time, ILoggerFactory loggers)
    {
        this.plan = plan;
        Index = link.Index;
        dhcp = new DhcpServer(
            link.Name, () => this.plan, lease, () => answered(this.plan), loggers.CreateLogger<DhcpServer>());
        try
        {
            advertiser = new RouterAdvertiser(
                link.Name, link.Index, () => this.plan, time, loggers.CreateLogger<RouterAdvertiser>());
        }
        catch
        {
            dhcp.Close();
            throw;
        }

        dhcp.Start();
        advertiser.Start();
    }

    /// <summary>Index of the tap that the sockets are tied to; a tap that was made anew has another one.</summary>
    public int Index { get; }

    public PortPlan Plan
    {
        get => plan;
        set => plan = value;
    }

    public async ValueTask DisposeAsync()
    {
        await dhcp.DisposeAsync();
        await advertiser.DisposeAsync();
    }
}
