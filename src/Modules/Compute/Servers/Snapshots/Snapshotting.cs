using Microsoft.EntityFrameworkCore;
using Monolith.Compute.V1;
using Monolith.Image.Contracts;
using Monolith.Platform;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Names;
using Monolith.Platform.Reconciling;
using Monolith.Platform.Storage;
using ImageMessage = Monolith.Image.V1.Image;

namespace Monolith.Compute.Servers.Snapshots;

/// <summary>Asks for a snapshot: what is wanted is in this module's rows first, then the image gets its name.</summary>
internal sealed class Snapshotting(Store<ComputeDb> store, IImageMaking images, SnapshotReconciler reconciler,
    Reconciler<SnapshotId> snapshots, TimeProvider time)
{
    const string MakeImages = "image.images.create";

    public async Task<ImageMessage> TakeAsync(SnapshotServerRequest request, Call call, CancellationToken cancel)
    {
        SnapshotRules.Check(request);
        var project = ResourceName.ProjectOf(request.Name)!;
        if (!call.Caller.May(MakeImages, project)) throw Fault.Denied(MakeImages, "projects/" + project, call.Caller.Name);
        var image = await store.MutateAsync(call, request, _ => ForeseeAsync(request, project, call, cancel), WriteAsync, cancel);
        if (request.ValidateOnly) return image;
        var uid = Guid.Parse(image.Uid);
        // The answer to a repeat may be of one that is over by now.
        var row = await store.ReadAsync(db => db.Snapshots.FirstOrDefaultAsync(s => s.Uid == uid, cancel));
        if (row is { Reserved: false }) await reconciler.ReserveAsync(call, row, cancel);
        snapshots.Wake(new(uid));
        return image;
    }

    /// <summary>The snapshot as it would be, with its image.</summary>
    async Task<(SnapshotRow Row, ImageMessage Image)> ForeseeAsync(SnapshotServerRequest request, string project, Call call,
        CancellationToken cancel)
    {
        var (server, vm) = await store.ReadAsync(db => ServerQueries.WithVm(db, request.Name))
            ?? throw Fault.NotFound(request.Name);
        // As it is kept: the image that is made says the same.
        var now = Stored.Time(time.GetUtcNow().UtcDateTime);
        var row = new SnapshotRow
        {
            Uid = Chance.NewUid(),
            ServerUid = server.Uid,
            ServerName = server.Name,
            VmUid = SnapshotRules.Require(server, vm).Uid,
            Image = $"projects/{project}/images/{request.ImageId}",
            Family = request.Family,
            DisplayName = request.DisplayName,
            DiskGib = server.DiskGib,
            LeastMemoryMib = server.Detail.LeastMemoryMib,
            CreateTime = now,
            Deadline = now + SnapshotRules.DeadlineOf(server.DiskGib),
        };
        return (row, await images.TryAsync(call, row.Order, cancel));
    }

    static async Task<ImageMessage> WriteAsync(Unit<ComputeDb> unit, (SnapshotRow Row, ImageMessage Image) asked)
    {
        var found = await ServerQueries.WithVm(unit.Db, asked.Row.ServerName) ?? throw Fault.NotFound(asked.Row.ServerName);
        var (server, vm) = (found.Server, found.Vm);
        if (SnapshotRules.Require(server, vm).Uid != asked.Row.VmUid)
            throw Fault.Precondition("SERVER_NOT_READY", server.Name, $"{server.Name} was just moved or rebuilt. Ask again.");
        unit.Db.Snapshots.Add(asked.Row);
        server.SnapshotImage = asked.Row.Image;
        server.Touch("", unit.Now);
        unit.Emit(Change.Updated, server);
        return asked.Image;
    }
}
