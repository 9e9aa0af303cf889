using Monolith.Compute.Steps;
using Monolith.Compute.V1;
using Monolith.Network.Contracts;
using Monolith.Platform.Faults;
using Monolith.Platform.Names;
using Monolith.Platform.Quotas;
using Monolith.Platform.Storage;

namespace Monolith.Compute.Servers.Ports;

/// <summary>Asks for ports to come and go: what is wanted is written down, <see cref="PortChanges"/> does the rest.</summary>
internal sealed class PortRequests(IPorts ports)
{
    /// <summary>What the network module says to it, before the transaction.</summary>
    /// <param name="zone">The one that the server is bound to; empty: none.</param>
    /// <exception cref="Fault">INVALID_ARGUMENT with every violation.</exception>
    public async Task<IReadOnlyList<ExceededQuota>> CheckAsync(AttachServerPortRequest request, string zone,
        CancellationToken cancel)
    {
        var violations = new Violations();
        var project = ResourceName.ProjectOf(request.Name)!;
        var claims = new[]
        {
            new PortClaim(project, request.Name, Guid.Empty, 0, request.Network, [.. request.SecurityGroups], request.Address, "", zone),
        };
        foreach (var found in await ports.CheckAsync(claims, [""], cancel))
            violations.Add(found.Field.TrimStart('.'), found.Description);
        violations.ThrowIfAny();
        return await ports.ExceededAsync(claims, cancel);
    }

    public static void Attach(ServerRow row, AttachServerPortRequest request, IReadOnlyList<ExceededQuota> exceeded,
        Unit<ComputeDb> unit)
    {
        Require(row);
        if (row.Detail.Networks.Count >= ServerRules.MaxNetworks)
            throw Fault.Precondition("TOO_MANY_PORTS", row.Name,
                $"{row.Name} has {row.Detail.Networks.Count} ports, and {ServerRules.MaxNetworks} is the most. Detach one first.");
        unit.Refuse(exceeded);
        var choice = new NetworkChoice(request.Network, [.. request.SecurityGroups], request.Address);
        var detail = PortChoices.Attach(row.Detail, choice, grows: row.State == Server.Types.State.Stopped)
            ?? throw Fault.Precondition("NO_SLOT_LEFT", row.Name,
                $"The machine of {row.Name} has no place for a further card while it runs. Stop it, attach the port, and start it.");
        Begin(row, unit, "attach-port", detail);
    }

    /// <returns>The index of the port among the server's.</returns>
    /// <exception cref="Fault">It is another's, or nobody's.</exception>
    public async Task<int> FindAsync(Guid server, DetachServerPortRequest request, CancellationToken cancel) =>
        (await ports.OfAsync(server, cancel)).FirstOrDefault(p => p.Name == request.Port)?.Index
        ?? throw Fault.Precondition("NOT_ITS_PORT", request.Name,
            $"{request.Port} is no port of {request.Name}. ListPorts with the filter owner = \"{request.Name}\" has those that are.");

    public static void Detach(ServerRow row, int index, Unit<ComputeDb> unit)
    {
        Require(row);
        var wanted = row.Detail.Wanted().ToList();
        // It goes already.
        if (wanted.TrueForAll(p => p.Index != index)) return;
        if (wanted.Count == 1)
            throw Fault.Precondition("LAST_PORT", row.Name, $"{row.Name} would have no port left. Attach another first.");
        Begin(row, unit, "detach-port", PortChoices.Enter(row.Detail, index, PortPhase.Detaching));
    }

    public static void RefuseWhileChanging(ServerRow row)
    {
        if (row.Detail.IsChanging())
            throw Fault.Precondition("PORTS_CHANGING", row.Name,
                $"A port comes to {row.Name} or goes from it. Wait until its condition PortsPlugged is TRUE.");
    }

    static void Begin(ServerRow row, Unit<ComputeDb> unit, string operation, ServerDetail detail) =>
        ServerOperations.Do(row, unit, (server, now) =>
        {
            server.Detail = detail;
            // It stays what it is; and what is known of the way there is told anew.
            server.Begin(operation, server.State, now);
            server.Steps = server.Steps.With(PortChanges.Begun(now));
            return true;
        });

    static void Require(ServerRow row)
    {
        ServerOperations.RefuseUnlessAlive(row);
        ServerOperations.RefuseWhileMigrating(row);
        Rescuing.RefuseWhileRescued(row);
        if (row.State is not (Server.Types.State.Ready or Server.Types.State.Stopped))
            throw Fault.Precondition("SERVER_NOT_READY", row.Name,
                $"{row.Name} is {row.State.ToString().ToUpperInvariant()}. Wait until it is READY or STOPPED.");
    }
}
