using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Compute.LiveMigration;
using Monolith.Compute.Placement;
using Monolith.Compute.ServerGroups;
using Monolith.Compute.Servers.Ports;
using Monolith.Compute.Servers.Snapshots;
using Monolith.Compute.V1;
using Monolith.Compute.Vms;
using Monolith.Image.Contracts;
using Monolith.Network.Contracts;
using Monolith.Platform;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;
using Monolith.Platform.Reconciling;
using Monolith.Platform.Secrets;
using Monolith.Platform.Storage;
using Monolith.Platform.Watching;
using ImageMessage = Monolith.Image.V1.Image;

namespace Monolith.Compute.Servers;

/// <summary>Checks, writes what is wanted, wakes the reconciler, and returns.</summary>
internal sealed class ServerService(Store<ComputeDb> store, ServerAdmission admission, FleetView fleet,
    VmStreams streams, Snapshotting snapshots, PortRequests ports, Reconciler<ServerName> reconciler, ISecrets? secrets = null)
    : V1.ServerService.ServerServiceBase
{
    const string Pattern = "projects/*/servers/*";

    static readonly FilterFields<ServerRow> Filters = new FilterFields<ServerRow>()
        .Text("name", s => s.Name)
        .Text("display_name", s => s.DisplayName)
        .Word("state", s => s.State)
        .Text("flavor", s => s.Flavor)
        .Text("server_group", s => s.ServerGroup)
        .Text("image", s => s.Image)
        .Text("hypervisor", s => s.Hypervisor)
        .Text("dns_name", s => s.DnsName)
        .Text("addresses", s => s.Addresses)
        .Flag("reconciling", s => s.Unsettled)
        .Time("create_time", s => s.CreateTime)
        .Labels(s => s.Labels);

    public override async Task<Server> CreateServer(CreateServerRequest request, ServerCallContext context)
    {
        var call = context.GetCall();
        var name = $"{request.Parent}/servers/{request.ServerId}";
        var cancel = context.CancellationToken;
        var server = await store.MutateAsync(call, request, _ => AdmitAsync(request, name, cancel),
            async (unit, admitted) =>
        {
            if (await ServerQueries.Exists(unit.Db, name)) throw Fault.AlreadyExists(name);
            // Its ports are claimed later. What is known of them now is said now, together with the rest.
            unit.Refuse(admitted.Server.Exceeded);
            var row = admitted.Server.ToRow(request, name, unit.Now);
            if (admitted.Foreseen is { } foreseen) row.Foresee(foreseen, unit.Now);
            if (row.ServerGroup is not null && !await Companies.HoldAsync(unit.Db, row.ServerGroup))
                throw Fault.Invalid("server.server_group", $"{row.ServerGroup} does not exist");
            unit.Db.Servers.Add(row);
            return unit.Emit(Change.Created, row);
        }, cancel);
        if (!request.ValidateOnly) reconciler.Wake(new(name));
        return server.For(call.Caller);
    }

    /// <summary>What a request that is only validated would lead to is part of its answer.</summary>
    async Task<(AdmittedServer Server, PlacementResult? Foreseen)> AdmitAsync(CreateServerRequest request, string name,
        CancellationToken cancel)
    {
        var admitted = await admission.AdmitAsync(request, name, cancel);
        if (!request.ValidateOnly) return (admitted, null);
        var row = admitted.ToRow(request, name, default);
        return (admitted, await fleet.ForeseeAsync(await Companies.DemandOfAsync(store, row), name));
    }

    public override Task<Server> GetServer(GetServerRequest request, ServerCallContext context)
    {
        ResourceName.Parse(Pattern, request.Name);
        return store.ReadAsync(async db =>
        {
            var row = await ServerQueries.ByName(db, request.Name) ?? throw Fault.NotFound(request.Name);
            return row.ToProto(secrets.OpenUserData(row.UserData)).For(context.GetCall().Caller);
        });
    }

    public override async Task<ListServersResponse> ListServers(ListServersRequest request, ServerCallContext context)
    {
        var caller = context.GetCall().Caller;
        var list = ListQuery.Of(request, context.GetCall(), Filters);
        var (found, sequence) = await store.SnapshotAsync(db => list.Of(db.Servers).ToListAsync());
        var (rows, next) = list.Cut(found);
        return new ListServersResponse
        {
            Servers = { rows.Select(s => s.ToProto().For(caller)) },
            NextPageToken = next,
            ResumeToken = Watch.Token(sequence),
        };
    }

    public override Task WatchServers(WatchServersRequest request, IServerStreamWriter<WatchServersResponse> stream,
        ServerCallContext context)
    {
        var caller = context.GetCall().Caller;
        var watch = Watch.Of(store, request, context.GetCall(), Pattern);
        return watch.RunAsync("server",
            async db => (await watch.Of(db.Servers).ToListAsync()).ConvertAll(s => s.ToProto()),
            (change, server, token) => stream.WriteAsync(new WatchServersResponse
            {
                Change = change,
                Server = server?.For(caller),
                ResumeToken = token,
            }, context.CancellationToken), context.CancellationToken);
    }

    public override async Task<Server> UpdateServer(UpdateServerRequest request, ServerCallContext context)
    {
        var violations = new Violations();
        violations.Require(request.Server is not null, "server", "is required");
        violations.ThrowIfAny();
        var wanted = request.Server!;
        ResourceName.Parse(Pattern, wanted.Name, "server.name", violations);
        var changed = Masks.Changed(request.UpdateMask, wanted, ServerRules.Changeable, violations);
        violations.DisplayName("server.display_name", wanted.DisplayName);
        violations.Labels("server.labels", wanted.Labels);
        ServerMetadata.Check(wanted.Metadata, "server.metadata", violations);
        ServerRules.Protection(wanted, violations);
        violations.ThrowIfAny();
        IReadOnlyList<VmRow> told = [];
        var server = await ChangeAsync(request, wanted.Name, wanted.Etag, context, async (row, unit) =>
        {
            if (changed.Contains("display_name")) row.DisplayName = wanted.DisplayName;
            if (changed.Contains("labels")) row.Labels = Labels.Store(wanted.Labels);
            if (changed.Contains("delete_protected")) row.DeleteProtected = wanted.DeleteProtected;
            if (changed.Contains("keep_disk")) row.Detail = row.Detail with { KeepDisk = wanted.KeepDisk };
            if (changed.Contains("lock_reason")) row.LockReason = wanted.LockReason;
            if (changed.Contains("undelete_window")) row.UndeleteSeconds = (int)(wanted.UndeleteWindow?.Seconds ?? 0);
            if (changed.Contains("metadata")) told = await ServerMetadata.ChangeAsync(row, wanted.Metadata, unit);
        });
        if (request.ValidateOnly) return server;
        foreach (var vm in told) streams.Wake(vm.Hypervisor, vm.Uid);
        return server;
    }

    public override Task<Server> DeleteServer(DeleteServerRequest request, ServerCallContext context) =>
        OperateAsync(request, request.Name, request.Etag, context, (row, now) => ServerOperations.Delete(row, request.Force, now));

    public override Task<Server> UndeleteServer(UndeleteServerRequest request, ServerCallContext context) =>
        OperateAsync(request, request.Name, "", context, ServerOperations.Undelete);

    public override Task<Server> StartServer(StartServerRequest request, ServerCallContext context) =>
        OperateAsync(request, request.Name, "", context, ServerOperations.Start);

    public override Task<Server> StopServer(StopServerRequest request, ServerCallContext context) =>
        OperateAsync(request, request.Name, "", context, (row, now) => ServerOperations.Stop(row, request.Hard, now));

    public override Task<Server> RestartServer(RestartServerRequest request, ServerCallContext context) =>
        OperateAsync(request, request.Name, "", context, (row, now) => ServerOperations.Restart(row, request.Hard, now));

    public override async Task<Server> ResizeServer(ResizeServerRequest request, ServerCallContext context)
    {
        var violations = new Violations();
        ResourceName.Parse(Pattern, request.Name, "name", violations);
        ResourceName.Parse("flavors/*", request.Flavor, "flavor", violations);
        violations.ThrowIfAny();
        VmRow? vm = null;
        var server = await ChangeAsync(request, request.Name, "", context, async (row, unit) =>
            vm = await Resizing.ResizeAsync(row, request.Flavor, unit, context.CancellationToken));
        if (vm is not null && !request.ValidateOnly) streams.Wake(vm.Hypervisor, vm.Uid);
        return server;
    }

    public override Task<Server> RebuildServer(RebuildServerRequest request, ServerCallContext context)
    {
        var violations = new Violations();
        ResourceName.Parse(Pattern, request.Name, "name", violations);
        if (request.Image.Length > 0) ServerRules.Image(request.Image, "image", violations);
        violations.ThrowIfAny();
        return ChangeAsync(request, request.Name, "", context,
            () => admission.ImageAsync(request.Name, request.Image, context.CancellationToken),
            (row, unit, image) =>
            {
                ServerOperations.RefuseUnlessAlive(row);
                ServerOperations.RefuseWhileMigrating(row);
                Rescuing.RefuseWhileRescued(row);
                ServerAdmission.Refit(row, image);
                ServerOperations.Do(row, unit, ServerOperations.Rebuild);
                return Task.CompletedTask;
            });
    }

    public override async Task<Server> RescueServer(RescueServerRequest request, ServerCallContext context)
    {
        var violations = new Violations();
        ResourceName.Parse(Pattern, request.Name, "name", violations);
        if (request.Image.Length > 0) ServerRules.Image(request.Image, "image", violations);
        violations.ThrowIfAny();
        VmRow? vm = null;
        var server = await ChangeAsync(request, request.Name, "", context,
            () => admission.ImageAsync(request.Name, request.Image, context.CancellationToken),
            async (row, unit, image) => vm = await Rescuing.RescueAsync(row, image, request.Hard, unit));
        if (vm is not null && !request.ValidateOnly) streams.Wake(vm.Hypervisor, vm.Uid);
        return server;
    }

    public override async Task<Server> UnrescueServer(UnrescueServerRequest request, ServerCallContext context)
    {
        VmRow? vm = null;
        var server = await ChangeAsync(request, request.Name, "", context,
            async (row, unit) => vm = await Rescuing.UnrescueAsync(row, request.Hard, unit));
        if (vm is not null && !request.ValidateOnly) streams.Wake(vm.Hypervisor, vm.Uid);
        return server;
    }

    public override Task<Server> AttachServerPort(AttachServerPortRequest request, ServerCallContext context) =>
        ChangeAsync(request, request.Name, "", context,
            async () => await ports.CheckAsync(request,
                (await store.ReadAsync(db => ServerQueries.ByName(db, request.Name)))?.AvailabilityZone ?? "",
                context.CancellationToken),
            (row, unit, exceeded) =>
            {
                PortRequests.Attach(row, request, exceeded, unit);
                return Task.CompletedTask;
            });

    public override Task<Server> DetachServerPort(DetachServerPortRequest request, ServerCallContext context)
    {
        var violations = new Violations();
        ResourceName.Parse(Pattern, request.Name, "name", violations);
        ResourceName.Parse("projects/*/ports/*", request.Port, "port", violations);
        violations.ThrowIfAny();
        return ChangeAsync(request, request.Name, "", context,
            async () => (await store.ReadAsync(db => ServerQueries.ByName(db, request.Name)))?.Uid is { } uid
                ? (uid, await ports.FindAsync(uid, request, context.CancellationToken))
                : throw Fault.NotFound(request.Name),
            (row, unit, found) =>
            {
                // Another server has the name by now.
                if (row.Uid != found.uid) throw Fault.NotFound(request.Name);
                PortRequests.Detach(row, found.Item2, unit);
                return Task.CompletedTask;
            });
    }

    public override Task<Server> MigrateServer(MigrateServerRequest request, ServerCallContext context)
    {
        if (request.TargetHypervisor.Length > 0)
            ResourceName.Parse("hypervisors/*", request.TargetHypervisor, "target_hypervisor");
        return ChangeAsync(request, request.Name, "", context, async (row, unit) =>
        {
            await MigrationRules.RequireAsync(unit.Db, row, request.TargetHypervisor);
            MigrationRules.Begin(row, unit, request.TargetHypervisor);
        });
    }

    public override Task<Server> AbortMigration(AbortMigrationRequest request, ServerCallContext context) =>
        ChangeAsync(request, request.Name, "", context, (row, unit) =>
        {
            // What has switched over is completed; what is given up already is so.
            if (row.Migration is { State: Migration.Types.State.Copying } migration)
                row.Migration = migration.Enter(Migration.Types.State.Aborting, unit.Now, "ABORTED",
                    "It was given up on request.");
            return Task.CompletedTask;
        });

    public override Task<ImageMessage> SnapshotServer(SnapshotServerRequest request, ServerCallContext context) =>
        snapshots.TakeAsync(request, context.GetCall(), context.CancellationToken);

    public override Task<ListServerEventsResponse> ListServerEvents(ListServerEventsRequest request,
        ServerCallContext context)
    {
        var page = ListQuery.Of<OperationRow>(request, context.GetCall(), null, Pattern, isNumbered: true).Page;
        return store.ReadAsync(async db =>
        {
            var past = await db.Operations.Where(o => o.ServerName == request.Parent)
                .OrderBy(o => o.Start).ThenBy(o => o.Number).ToListAsync();
            var server = await ServerQueries.ByName(db, request.Parent);
            if (server is null && past.Count == 0) throw Fault.NotFound(request.Parent);
            if (server is not null) past.Add(OperationRow.Of(server));
            var all = past.SelectMany(o => o.Steps.OrderBy(s => s.Start).Select(s => s.ToEvent(o.Operation))).ToList();
            var after = page.AfterNumber();
            var numbered = all.Select((e, i) => (Event: e, Number: i + 1)).Where(n => n.Number > after).Take(page.Size + 1).ToList();
            var (rows, next) = page.Cut(numbered, n => n.Number.ToString(System.Globalization.CultureInfo.InvariantCulture));
            return new ListServerEventsResponse { Events = { rows.Select(r => r.Event) }, NextPageToken = next };
        });
    }

    Task<Server> OperateAsync(Google.Protobuf.IMessage request, string name, string etag, ServerCallContext context,
        Func<ServerRow, DateTime, bool> operation) =>
        ChangeAsync(request, name, etag, context, (row, unit) =>
        {
            ServerOperations.Do(row, unit, operation);
            return Task.CompletedTask;
        });

    Task<Server> ChangeAsync(Google.Protobuf.IMessage request, string name, string etag,
        ServerCallContext context, Func<ServerRow, Unit<ComputeDb>, Task> change) =>
        ChangeAsync(request, name, etag, context, () => Task.FromResult(true), (row, unit, _) => change(row, unit));

    /// <param name="prepare">What is looked up elsewhere, before the transaction.</param>
    async Task<Server> ChangeAsync<T>(Google.Protobuf.IMessage request, string name, string etag,
        ServerCallContext context, Func<Task<T>> prepare, Func<ServerRow, Unit<ComputeDb>, T, Task> change)
    {
        ResourceName.Parse(Pattern, name);
        var call = context.GetCall();
        var server = await store.MutateAsync(call, request, _ => prepare(), async (unit, prepared) =>
        {
            var row = await ServerQueries.ByName(unit.Db, name) ?? throw Fault.NotFound(name);
            row.Touch(etag, unit.Now);
            await change(row, unit, prepared);
            return unit.Emit(Change.Updated, row);
        }, context.CancellationToken);
        reconciler.Wake(new(name));
        return server.For(call.Caller);
    }
}
