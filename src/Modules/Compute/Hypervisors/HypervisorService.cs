using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Compute.Evacuations;
using Monolith.Compute.Placement;
using Monolith.Compute.ServerGroups;
using Monolith.Compute.V1;
using Monolith.Compute.Vms;
using Monolith.Identity.Contracts;
using Monolith.Network.Contracts;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;
using Monolith.Platform.Reconciling;
using Monolith.Platform.Storage;
using Monolith.Platform.Watching;

namespace Monolith.Compute.Hypervisors;

internal sealed class HypervisorService(Store<ComputeDb> store, Presence presence, INodes nodes,
    Departures departures, IFabricNodes fabric, Reconciler<HypervisorName>? loop = null, IFence? fence = null)
    : V1.HypervisorService.HypervisorServiceBase
{
    const string Pattern = "hypervisors/*";
    const int MostResidents = 20_000;
    static readonly string[] Changeable =
        ["labels", "schedulable", "draining", "maintenance", "traits", "vcpu_ratio", "reserved_memory_mib", "reserved_disk_gib"];

    static readonly FilterFields<HypervisorRow> Filters = new FilterFields<HypervisorRow>()
        .Text("name", h => h.Name)
        .Text("availability_zone", h => h.AvailabilityZone)
        .Flag("up", h => h.Up)
        .Flag("schedulable", h => h.Schedulable)
        .Flag("draining", h => h.Draining)
        .Flag("evacuating", h => h.Evacuating)
        .Flag("maintenance", h => h.Maintenance != "")
        .Number("server_count", h => h.ServerCount)
        .Text("agent_version", h => h.AgentVersion)
        .Text("traits", h => h.Traits)
        .Labels(h => h.Labels);

    public override Task<Hypervisor> GetHypervisor(GetHypervisorRequest request, ServerCallContext context)
    {
        ResourceName.Parse(Pattern, request.Name);
        return store.ReadAsync(async db =>
            (await db.Hypervisors.FirstOrDefaultAsync(h => h.Name == request.Name) ?? throw Fault.NotFound(request.Name))
            .ToProto());
    }

    public override async Task<ListHypervisorsResponse> ListHypervisors(ListHypervisorsRequest request,
        ServerCallContext context)
    {
        var list = ListQuery.Of(request, context.GetCall(), Filters);
        var (found, sequence) = await store.SnapshotAsync(db => list.Of(db.Hypervisors).ToListAsync());
        var (rows, next) = list.Cut(found);
        return new ListHypervisorsResponse
        {
            Hypervisors = { rows.Select(h => h.ToProto()) },
            NextPageToken = next,
            ResumeToken = Watch.Token(sequence),
        };
    }

    public override Task WatchHypervisors(WatchHypervisorsRequest request,
        IServerStreamWriter<WatchHypervisorsResponse> stream, ServerCallContext context)
    {
        var watch = Watch.Of(store, request, context.GetCall(), Pattern);
        return watch.RunAsync("hypervisor",
            async db => (await watch.Of(db.Hypervisors).ToListAsync()).ConvertAll(h => h.ToProto()),
            (change, hypervisor, token) => stream.WriteAsync(new WatchHypervisorsResponse
            {
                Change = change,
                Hypervisor = hypervisor,
                ResumeToken = token,
            }, context.CancellationToken), context.CancellationToken);
    }

    public override async Task<PlanEvacuationResponse> PlanEvacuation(PlanEvacuationRequest request,
        ServerCallContext context)
    {
        var violations = new Violations();
        var chosen = Filter.Read(request.Filter, Filters, violations);
        violations.ThrowIfAny();
        // Everything is never meant by saying nothing.
        if (chosen is null) throw Fault.Invalid("filter", "is required: which hypervisors go away");
        return await store.ReadAsync(async db =>
        {
            var leaving = await db.Hypervisors.Where(chosen).OrderBy(h => h.Name)
                .Select(h => h.Name.Substring("hypervisors/".Length)).ToListAsync();
            if (leaving.Count == 0) throw Fault.Invalid("filter", "matches no hypervisor");
            return Answer(leaving, await departures.PlanAsync(db, leaving, context.CancellationToken, MostResidents)
                ?? throw Fault.Invalid("filter", $"matches hypervisors with more than {MostResidents} servers; take fewer"));
        });
    }

    static PlanEvacuationResponse Answer(IReadOnlyList<string> leaving, IReadOnlyList<Departure> plan)
    {
        static string Name(string id) => "hypervisors/" + id;
        return new()
        {
            Hypervisors = { leaving.Select(Name) },
            Moves =
            {
                plan.Where(d => d.Target is not null).Select(d => new Move
                {
                    Server = d.Resident.Server,
                    Source = Name(d.Resident.Hypervisor),
                    Target = Name(d.Target!),
                }),
            },
            Stranded =
            {
                plan.Where(d => d.Target is null).Select(d => new Stranded
                {
                    Server = d.Resident.Server,
                    Source = Name(d.Resident.Hypervisor),
                    Message = d.Placement.Explain(),
                }),
            },
        };
    }

    public override async Task<Hypervisor> UpdateHypervisor(UpdateHypervisorRequest request, ServerCallContext context)
    {
        var violations = new Violations();
        violations.Require(request.Hypervisor is not null, "hypervisor", "is required");
        violations.ThrowIfAny();
        var wanted = request.Hypervisor!;
        ResourceName.Parse(Pattern, wanted.Name, "hypervisor.name", violations);
        var changed = Masks.Changed(request.UpdateMask, wanted, Changeable, violations);
        violations.Labels("hypervisor.labels", wanted.Labels);
        violations.Require(wanted.Maintenance.Length <= 500, "hypervisor.maintenance", "must be at most 500 characters");
        violations.Words("hypervisor.traits", wanted.Traits, TraitSet.Most);
        if (changed.Contains("vcpu_ratio"))
            violations.Require(wanted.VcpuRatio is >= 0.1 and <= 64, "hypervisor.vcpu_ratio", "must be 0.1 to 64");
        violations.Require(wanted.ReservedMemoryMib >= 0, "hypervisor.reserved_memory_mib", "must not be negative");
        violations.Require(wanted.ReservedDiskGib >= 0, "hypervisor.reserved_disk_gib", "must not be negative");
        violations.ThrowIfAny();
        var hypervisor = await store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var row = await unit.Db.Hypervisors.FirstOrDefaultAsync(h => h.Name == wanted.Name)
                ?? throw Fault.NotFound(wanted.Name);
            row.Touch(wanted.Etag, unit.Now);
            if (changed.Contains("labels")) row.Labels = Labels.Store(wanted.Labels);
            if (changed.Contains("traits")) row.Traits = TraitSet.Of(wanted.Traits).ToString();
            if (changed.Contains("schedulable")) row.Schedulable = wanted.Schedulable;
            if (changed.Contains("draining")) Drain(row, wanted.Draining);
            if (changed.Contains("maintenance")) row.Maintenance = wanted.Maintenance.Trim();
            if (row is { Draining: true, Schedulable: true })
                throw Fault.Precondition("HYPERVISOR_DRAINING", row.Name, $"{row.Name} is drained. End that first.");
            if (row is { Evacuating: true, Schedulable: true } or { Evacuating: true, Draining: true })
                throw Fault.Precondition("HYPERVISOR_EVACUATING", row.Name, $"{row.Name} is evacuated. Abort that first.");
            if (changed.Contains("vcpu_ratio")) row.VcpuRatio = wanted.VcpuRatio;
            Reserve(row, changed.Contains("reserved_memory_mib") ? wanted.ReservedMemoryMib : row.ReservedMemoryMib,
                changed.Contains("reserved_disk_gib") ? wanted.ReservedDiskGib : row.ReservedDiskGib);
            row.Recount();
            return Emit(unit, Change.Updated, row);
        }, context.CancellationToken);
        loop?.Wake(new(wanted.Name));
        return hypervisor;
    }

    public override Task<Hypervisor> EvacuateHypervisor(EvacuateHypervisorRequest request, ServerCallContext context) =>
        ChangeAsync(request, request.Name, request.Etag, (row, now) =>
            EvacuationRules.Begin(row, request.Fenced, fence ?? new CommandFence(""), now), context);

    public override Task<Hypervisor> AbortEvacuation(AbortEvacuationRequest request, ServerCallContext context) =>
        ChangeAsync(request, request.Name, request.Etag, (row, _) => EvacuationRules.Abort(row), context);

    async Task<Hypervisor> ChangeAsync<TRequest>(TRequest request, string name, string etag,
        Action<HypervisorRow, DateTime> change, ServerCallContext context)
        where TRequest : class, IMessage<TRequest>
    {
        ResourceName.Parse(Pattern, name);
        var hypervisor = await store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var row = await unit.Db.Hypervisors.FirstOrDefaultAsync(h => h.Name == name) ?? throw Fault.NotFound(name);
            row.Touch(etag, unit.Now);
            change(row, unit.Now);
            return Emit(unit, Change.Updated, row);
        }, context.CancellationToken);
        loop?.Wake(new(name));
        return hypervisor;
    }

    static void Drain(HypervisorRow row, bool drain)
    {
        if (drain) row.Schedulable = false;
        row.Draining = drain;
        (row.DrainLeft, row.DrainMessage) = (drain ? row.ServerCount : 0, "");
    }

    /// <summary>More than the machine has is a mistake, not a wish to close it.</summary>
    static void Reserve(HypervisorRow row, long memoryMib, long diskGib)
    {
        var violations = new Violations();
        if (memoryMib != row.ReservedMemoryMib)
            violations.Require(memoryMib <= row.TotalMemoryMib, "hypervisor.reserved_memory_mib",
                $"must be at most the {row.TotalMemoryMib} MiB that the machine has");
        if (diskGib != row.ReservedDiskGib)
            violations.Require(diskGib <= row.TotalDiskGib, "hypervisor.reserved_disk_gib",
                $"must be at most the {row.TotalDiskGib} GiB that the machine has");
        violations.ThrowIfAny();
        (row.ReservedMemoryMib, row.ReservedDiskGib) = (memoryMib, diskGib);
    }

    /// <summary>The node's certificates go first: what a crash in between leaves is a row that a repeat removes, and never
    /// a machine that the fleet does not know and that may come back.</summary>
    public override async Task<Empty> DeleteHypervisor(DeleteHypervisorRequest request, ServerCallContext context)
    {
        ResourceName.Parse(Pattern, request.Name);
        var cancel = context.CancellationToken;
        return await store.MutateAsync(context.GetCall(), request, acts => ForgetAsync(request, acts, cancel), async (unit, _) =>
        {
            var row = await unit.Db.Hypervisors.FirstOrDefaultAsync(h => h.Name == request.Name)
                ?? throw Fault.NotFound(request.Name);
            row.Touch(request.Etag, unit.Now);
            await RefuseInUseAsync(unit.Db, row);
            // Its agent never comes back to say that nothing is left of what was given up.
            await unit.Db.Vms.Where(v => v.Hypervisor == row.Id && v.Role == VmRole.Fenced).ExecuteDeleteAsync(cancel);
            await unit.Db.ImageReports.Where(r => r.Hypervisor == row.Id).ExecuteDeleteAsync(cancel);
            unit.Db.Hypervisors.Remove(row);
            Emit(unit, Change.Deleted, row);
            return new Empty();
        }, cancel);
    }

    /// <returns>Whether there was something to forget.</returns>
    async Task<bool> ForgetAsync(DeleteHypervisorRequest request, bool acts, CancellationToken cancel)
    {
        var known = acts && await store.ReadAsync(async db =>
        {
            var row = await db.Hypervisors.FirstOrDefaultAsync(h => h.Name == request.Name, cancel);
            if (row is null) return false;
            row.Touch(request.Etag, row.UpdateTime);
            await RefuseInUseAsync(db, row);
            return true;
        });
        if (!known) return false;
        await nodes.ForgetAsync(ResourceName.LastId(request.Name), cancel);
        await fabric.ForgetAsync(ResourceName.LastId(request.Name), cancel);
        return true;
    }

    async Task RefuseInUseAsync(ComputeDb db, HypervisorRow row)
    {
        var obstacles = new List<PreconditionViolation>();
        if (presence.IsUp(row.Id))
            obstacles.Add(new("HYPERVISOR_CONNECTED", row.Name, "Its agent is connected. Stop the agent first."));
        foreach (var vm in await db.Vms.Where(v => v.Hypervisor == row.Id && v.Role != VmRole.Fenced).Take(10).ToListAsync())
            obstacles.Add(new("HYPERVISOR_IN_USE", row.Name, $"It holds {vm.ServerName}. Delete or move that first, or evacuate."));
        if (obstacles.Count > 0) throw Fault.Precondition($"{row.Name} cannot be forgotten yet.", obstacles);
    }

    static Hypervisor Emit(Unit<ComputeDb> unit, Change change, HypervisorRow row)
    {
        var hypervisor = row.ToProto();
        unit.Emit("hypervisor", change, row.Name, "", hypervisor);
        return hypervisor;
    }
}
