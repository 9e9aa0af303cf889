using Google.Protobuf;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Compute.Contracts;
using Monolith.Dns.Contracts;
using Monolith.Network.Contracts;
using Monolith.Lb.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;
using Monolith.Platform.Reconciling;
using Monolith.Platform.Storage;
using Monolith.Platform.Watching;

namespace Monolith.Lb.LoadBalancers;

internal sealed class LoadBalancerService(Store<LbDb> store, IServers servers, INames names,
    IVirtualAddresses addresses, LoadBalancerStreams streams, Reconciler<LoadBalancerId> reconciler)
    : V1.LoadBalancerService.LoadBalancerServiceBase
{
    const string Pattern = "projects/*/loadBalancers/*";

    static readonly FilterFields<LoadBalancerRow> Filters = new FilterFields<LoadBalancerRow>()
        .Text("name", b => b.Name)
        .Text("display_name", b => b.DisplayName)
        .Text("address", b => b.Address)
        .Text("dns_name", b => b.DnsName)
        .Word("state", b => b.State)
        .Time("create_time", b => b.CreateTime)
        .Labels(b => b.Labels);

    public override async Task<LoadBalancer> CreateLoadBalancer(CreateLoadBalancerRequest request,
        ServerCallContext context)
    {
        var name = $"{request.Parent}/loadBalancers/{request.LoadBalancerId}";
        var made = await store.MutateAsync(context.GetCall(), request,
            async _ => (Wanted: await AdmitAsync(request, name, context.CancellationToken), Exceeded: await addresses
                .ExceededAsync(ResourceName.ProjectOf(name)!, context.CancellationToken)), async (unit, admitted) =>
        {
            var wanted = admitted.Wanted;
            if (await unit.Db.LoadBalancers.AnyAsync(b => b.Name == name)) throw Fault.AlreadyExists(name);
            // Its address is claimed later. What is known of it now is said now.
            unit.Refuse(admitted.Exceeded);
            var row = new LoadBalancerRow
            {
                Name = name,
                Project = ResourceName.ProjectOf(name)!,
                DisplayName = wanted.DisplayName,
                Labels = Labels.Store(wanted.Labels),
                AddressPool = wanted.AddressPool,
                CreateTime = unit.Now,
                UpdateTime = unit.Now,
            };
            row.Edit(Body(wanted.Listeners, wanted.Pools), unit.Now);
            row.Take(LoadBalancerLifecycle.ReportOf(row, new([], await unit.Db.Nodes.ToListAsync(), unit.Now)));
            unit.Db.LoadBalancers.Add(row);
            return await unit.EmitAsync(Change.Created, row, CancellationToken.None);
        }, context.CancellationToken);
        Wake(made);
        return made;
    }

    /// <returns>The body, as the rules complete it.</returns>
    /// <exception cref="Fault">INVALID_ARGUMENT with every violation.</exception>
    async Task<LoadBalancer> AdmitAsync(CreateLoadBalancerRequest request, string name, CancellationToken cancel)
    {
        var violations = new Violations();
        var project = ResourceName.Parse("projects/*", request.Parent, "parent", violations)?[0] ?? "";
        violations.Id("load_balancer_id", request.LoadBalancerId);
        var wanted = request.LoadBalancer?.Clone();
        if (violations.Require(wanted is not null, "load_balancer", "is required"))
        {
            CheckWords(wanted, violations);
            if (wanted.AddressPool.Length > 0)
                ResourceName.Parse("addressPools/*", wanted.AddressPool, "load_balancer.address_pool", violations);
            LoadBalancerRules.CheckBody(wanted, project, violations);
            await CheckServersAsync(wanted, "", project, violations, cancel);
        }
        if (Violations.IsId(request.LoadBalancerId) && await names.FindObstacleAsync(name,
            names.NameFor(project, request.LoadBalancerId), cancel) is { } taken)
            violations.Add("load_balancer_id", taken);
        violations.ThrowIfAny();
        return wanted!;
    }

    public override Task<LoadBalancer> GetLoadBalancer(GetLoadBalancerRequest request, ServerCallContext context)
    {
        ResourceName.Parse(Pattern, request.Name);
        return store.ReadAsync(async db => (await db.ShowAsync([await FindAsync(db, request.Name)],
            context.CancellationToken))[0]);
    }

    public override async Task<ListLoadBalancersResponse> ListLoadBalancers(ListLoadBalancersRequest request,
        ServerCallContext context)
    {
        var list = ListQuery.Of(request, context.GetCall(), Filters);
        var (answer, sequence) = await store.SnapshotAsync(async db =>
        {
            var (rows, next) = list.Cut(await list.Of(db.LoadBalancers).ToListAsync());
            return new ListLoadBalancersResponse
            {
                LoadBalancers = { await db.ShowAsync(rows, context.CancellationToken) },
                NextPageToken = next,
            };
        });
        answer.ResumeToken = Watch.Token(sequence);
        return answer;
    }

    public override async Task<LoadBalancer> UpdateLoadBalancer(UpdateLoadBalancerRequest request,
        ServerCallContext context)
    {
        var wanted = request.LoadBalancer;
        var made = await store.MutateAsync(context.GetCall(), request,
            _ => AdmitAsync(request, context.CancellationToken), async (unit, changed) =>
        {
            var row = await FindAsync(unit.Db, wanted.Name);
            if (row.Deleting)
                throw Fault.Precondition("LOAD_BALANCER_DELETING", row.Name,
                    $"{row.Name} is being deleted. Create a new load balancer.");
            row.Touch(wanted.Etag, unit.Now);
            row.Revision++;
            if (changed.Contains("display_name")) row.DisplayName = wanted.DisplayName;
            if (changed.Contains("labels")) row.Labels = Labels.Store(wanted.Labels);
            if (changed.Contains("listeners") || changed.Contains("pools")) Edit(row, wanted, changed, unit.Now);
            row.Take(LoadBalancerLifecycle.ReportOf(row,
                await unit.Db.SituationAsync(row.Uid, unit.Now, CancellationToken.None)));
            row.Unsettled = LoadBalancerLifecycle.IsUnsettled(row.State);
            return await unit.EmitAsync(Change.Updated, row, CancellationToken.None);
        }, context.CancellationToken);
        Wake(made);
        return made;
    }

    /// <returns>The fields to change.</returns>
    /// <exception cref="Fault">INVALID_ARGUMENT with every violation.</exception>
    async Task<IReadOnlySet<string>> AdmitAsync(UpdateLoadBalancerRequest request, CancellationToken cancel)
    {
        var violations = new Violations();
        violations.Require(request.LoadBalancer is not null, "load_balancer", "is required");
        violations.ThrowIfAny();
        var wanted = request.LoadBalancer!;
        var ids = ResourceName.Parse(Pattern, wanted.Name, "load_balancer.name", violations);
        var changed = Masks.Changed(request.UpdateMask, wanted, LoadBalancerRules.Changeable, violations);
        CheckWords(wanted, violations);
        if (ids is not null && changed.Contains("pools"))
        {
            // Members that are there already may name servers that are gone: an edit of something else goes on.
            var known = await store.ReadAsync(db => db.LoadBalancers.Where(b => b.Name == wanted.Name)
                .Select(b => b.Servers).FirstOrDefaultAsync());
            await CheckServersAsync(wanted, known ?? "", ids[0], violations, cancel);
        }
        violations.ThrowIfAny();
        return changed;
    }

    public override async Task<LoadBalancer> DeleteLoadBalancer(DeleteLoadBalancerRequest request,
        ServerCallContext context)
    {
        ResourceName.Parse(Pattern, request.Name);
        var made = await store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var row = await FindAsync(unit.Db, request.Name);
            row.Touch(request.Etag, unit.Now);
            row.DeleteTime ??= unit.Now;
            row.Unsettled = true;
            row.Take(LoadBalancerLifecycle.ReportOf(row,
                await unit.Db.SituationAsync(row.Uid, unit.Now, CancellationToken.None)));
            return await unit.EmitAsync(Change.Updated, row, CancellationToken.None);
        }, context.CancellationToken);
        Wake(made);
        return made;
    }

    public override Task WatchLoadBalancers(WatchLoadBalancersRequest request,
        IServerStreamWriter<WatchLoadBalancersResponse> stream, ServerCallContext context)
    {
        var watch = Watch.Of(store, request, context.GetCall(), Pattern);
        return watch.RunAsync("loadBalancer",
            async db => await db.ShowAsync(await watch.Of(db.LoadBalancers).ToListAsync(),
                context.CancellationToken),
            (change, loadBalancer, token) => stream.WriteAsync(new WatchLoadBalancersResponse
            {
                Change = change,
                LoadBalancer = loadBalancer,
                ResumeToken = token,
            }, context.CancellationToken), context.CancellationToken);
    }

    /// <summary>What the edit makes of the whole is checked as a whole: a listener may need another edit's pool.</summary>
    static void Edit(LoadBalancerRow row, LoadBalancer wanted, IReadOnlySet<string> changed, DateTime now)
    {
        var before = LoadBalancer.Parser.ParseFrom(row.Body);
        var body = Body(changed.Contains("listeners") ? wanted.Listeners : before.Listeners,
            changed.Contains("pools") ? wanted.Pools : before.Pools);
        var violations = new Violations();
        LoadBalancerRules.CheckBody(body, row.Project, violations);
        violations.ThrowIfAny();
        if (!body.Equals(before)) row.Edit(body, now);
    }

    static LoadBalancer Body(IEnumerable<Listener> listeners, IEnumerable<Pool> pools) =>
        new() { Listeners = { listeners.Select(l => l.Clone()) }, Pools = { pools.Select(p => p.Clone()) } };

    static void CheckWords(LoadBalancer wanted, Violations violations)
    {
        violations.DisplayName("load_balancer.display_name", wanted.DisplayName);
        violations.Labels("load_balancer.labels", wanted.Labels);
    }

    /// <summary>Servers that are named anew must exist; what is wrong with a name itself is the rules' matter.</summary>
    async Task CheckServersAsync(LoadBalancer wanted, string known, string project, Violations violations,
        CancellationToken cancel)
    {
        var seen = new Dictionary<string, bool>(StringComparer.Ordinal);
        for (var i = 0; i < Math.Min(wanted.Pools.Count, 32); i++)
            for (var j = 0; j < Math.Min(wanted.Pools[i].Members.Count, 256); j++)
            {
                var server = wanted.Pools[i].Members[j].Server;
                if (ResourceName.Match("projects/*/servers/*", server) is not [var p, _] || p != project
                    || known.Contains($"\n{server}\n", StringComparison.Ordinal)) continue;
                if (!seen.TryGetValue(server, out var exists))
                    seen[server] = exists = await servers.FindAsync(server, cancel) is not null;
                violations.Require(exists, $"load_balancer.pools[{i}].members[{j}].server", $"{server} does not exist");
            }
    }

    static async Task<LoadBalancerRow> FindAsync(LbDb db, string name) =>
        await db.LoadBalancers.FirstOrDefaultAsync(b => b.Name == name) ?? throw Fault.NotFound(name);

    void Wake(LoadBalancer made)
    {
        var uid = Guid.Parse(made.Uid);
        streams.Wake(uid);
        reconciler.Wake(new(uid));
    }
}
