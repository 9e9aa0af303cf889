using Microsoft.EntityFrameworkCore;
using Monolith.Compute.Contracts;
using Monolith.Compute.V1;
using Monolith.Image.Contracts;
using Monolith.Platform.Events;
using Monolith.Platform.Reconciling;
using Monolith.Platform.Storage;

namespace Monolith.Compute.Servers;

/// <summary>What other modules may ask about servers.</summary>
internal sealed class ServerDirectory(Store<ComputeDb> store) : IServers, IBlobUse
{
    public Task<ServerFacts?> FindAsync(string name, CancellationToken cancel) => store.ReadAsync(async db =>
        await ServerQueries.ByName(db, name) is { } row
            ? new ServerFacts(row.Uid, row.Name, row.Addresses.Length == 0 ? [] : row.Addresses.Split(','),
                row.State == Server.Types.State.Ready)
            : null);

    public Task<bool> IsUsedAsync(string sha256, CancellationToken cancel) => store.ReadAsync(async db =>
        await db.Vms.AnyAsync(v => v.ImageSha256 == sha256 || v.RescueSha256 == sha256, cancel)
        || await db.Servers.AnyAsync(s => s.ImageSha256 == sha256 || s.RescueSha256 == sha256, cancel));
}

/// <summary>A port changed: its owner may be a step further.</summary>
internal sealed class PortListener(Reconciler<ServerName> servers) : IEventListener
{
    public void OnEvent(EventEnvelope e)
    {
        if (!e.Is("network.port.")) return;
        var port = Network.V1.Port.Parser.ParseFrom(e.Data);
        if (port.Owner.Contains("/servers/", StringComparison.Ordinal)) servers.Wake(new(port.Owner));
    }
}
