using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Monolith.Agent.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Storage;

namespace Monolith.Compute.Hypervisors;

/// <summary>Which hypervisors' agents are connected, in memory and in the rows.</summary>
internal sealed class Presence(Store<ComputeDb> store, TimeProvider time)
{
    static readonly Func<ComputeDb, string, Task<HypervisorRow?>> ByName =
        Query.One((ComputeDb db, string name) => db.Hypervisors.FirstOrDefault(h => h.Name == name));

    readonly ConcurrentDictionary<string, int> connections = new(StringComparer.Ordinal);

    public bool IsUp(string hypervisor) => connections.ContainsKey(hypervisor);

    /// <summary>An agent connected. Its row is made at the first time, and has its inventory from now on.</summary>
    public async Task ConnectedAsync(string node, Hello hello, CancellationToken cancel)
    {
        connections.AddOrUpdate(node, 1, (_, n) => n + 1);
        var inventory = hello.Inventory ?? new Inventory();
        var capabilities = JsonSerializer.Serialize(inventory.Capabilities.OrderBy(c => c.Key, StringComparer.Ordinal)
            .ToDictionary(c => c.Key, c => c.Value));
        var name = "hypervisors/" + node;
        // A fleet that comes back finds its rows as they were, nearly always.
        if (await store.ReadAsync(db => ByName(db, name)) is { } known && IsSame(known)) return;
        await store.WriteAsync(Call.Of("compute/hypervisors"), async unit =>
        {
            var row = await ByName(unit.Db, name);
            var made = row is null;
            if (row is null)
                unit.Db.Hypervisors.Add(row = new HypervisorRow { Name = name, CreateTime = unit.Now });
            else if (IsSame(row)) return;
            if (!row.Up) row.UpTime = unit.Now;
            (row.Up, row.FenceTime) = (true, null);
            row.Cpus = inventory.Cpus;
            row.TotalMemoryMib = inventory.MemoryMib;
            row.TotalDiskGib = inventory.DiskGib;
            row.Recount();
            row.AvailabilityZone = inventory.AvailabilityZone;
            row.AgentVersion = hello.AgentVersion;
            row.Capabilities = capabilities;
            row.Touch("", unit.Now);
            unit.Emit("hypervisor", made ? Change.Created : Change.Updated, row.Name, "", row.ToProto());
        }, cancel);

        bool IsSame(HypervisorRow row) => row.Up && row.Cpus == inventory.Cpus
            && row.TotalMemoryMib == inventory.MemoryMib && row.TotalDiskGib == inventory.DiskGib
            && row.AgentVersion == hello.AgentVersion && row.Capabilities == capabilities
            && row.AvailabilityZone == inventory.AvailabilityZone;
    }

    public async Task DisconnectedAsync(string node)
    {
        while (connections.TryGetValue(node, out var n))
        {
            if (n > 1 && connections.TryUpdate(node, n - 1, n)) return;
            if (n <= 1 && connections.TryRemove(new(node, n))) break;
        }
        await MarkDownAsync(h => h.Name == "hypervisors/" + node);
    }

    /// <summary>At start nobody is connected; those that come back within the grace period never counted as down.</summary>
    public async Task MarkAbsentAsync(CancellationToken cancel)
    {
        await Task.Delay(TimeSpan.FromSeconds(30), time, cancel);
        var up = connections.Keys.Select(n => "hypervisors/" + n).ToList();
        await MarkDownAsync(h => !up.Contains(h.Name));
    }

    Task MarkDownAsync(System.Linq.Expressions.Expression<Func<HypervisorRow, bool>> which) =>
        store.WriteAsync(Call.Of("compute/hypervisors"), async unit =>
        {
            foreach (var row in await unit.Db.Hypervisors.Where(h => h.Up).Where(which).ToListAsync())
            {
                if (IsUp(row.Id)) continue;
                row.Up = false;
                row.UpTime = unit.Now;
                row.Touch("", unit.Now);
                unit.Emit("hypervisor", Change.Updated, row.Name, "", row.ToProto());
            }
        }, CancellationToken.None);
}
