using Microsoft.Extensions.Logging;
using Monolith.Agent.Network.Advertise;
using Monolith.Agent.Network.Dhcp;
using Monolith.Agent.Network.Tap;

namespace Monolith.Agent.Network;

/// <summary>What the agent answers on one tap: DHCP and router solicitations.</summary>
internal sealed class PortServices : IAsyncDisposable
{
    private readonly DhcpServer _dhcp;
    private readonly RouterAdvertiser _advertiser;
    private volatile PortPlan _plan;

    /// <summary>Opens the sockets: on the namespace's thread.</summary>
    public PortServices(
        Link link, PortPlan plan, TimeSpan lease, Action<PortPlan> answered, TimeProvider time, ILoggerFactory loggers)
    {
        _plan = plan;
        Index = link.Index;
        _dhcp = new DhcpServer(
            link.Name, () => _plan, lease, () => answered(_plan), loggers.CreateLogger<DhcpServer>());
        try
        {
            _advertiser = new RouterAdvertiser(
                link.Name, link.Index, () => _plan, time, loggers.CreateLogger<RouterAdvertiser>());
        }
        catch
        {
            _dhcp.Close();
            throw;
        }

        _dhcp.Start();
        _advertiser.Start();
    }

    /// <summary>Index of the tap that the sockets are tied to; a tap that was made anew has another one.</summary>
    public int Index { get; }

    public PortPlan Plan
    {
        get => _plan;
        set => _plan = value;
    }

    public async ValueTask DisposeAsync()
    {
        await _dhcp.DisposeAsync();
        await _advertiser.DisposeAsync();
    }
}
