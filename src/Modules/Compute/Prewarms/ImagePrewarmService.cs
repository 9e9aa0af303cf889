using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Compute.V1;
using Monolith.Image.Contracts;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;
using Monolith.Platform.Reconciling;
using Monolith.Platform.Storage;
using Monolith.Platform.Watching;

namespace Monolith.Compute.Prewarms;

internal sealed class ImagePrewarmService(Store<ComputeDb> store, IImages images, Reconciler<PrewarmLook> loop)
    : V1.ImagePrewarmService.ImagePrewarmServiceBase
{
    const string Pattern = "imagePrewarms/*";
    const int LongestZone = 63;

    static readonly FilterFields<ImagePrewarmRow> Filters = new FilterFields<ImagePrewarmRow>()
        .Text("name", p => p.Name)
        .Text("image", p => p.Image)
        .Text("held_image", p => p.HeldImage)
        .Text("availability_zone", p => p.AvailabilityZone)
        .Word("state", p => p.State);

    public override async Task<ImagePrewarm> CreateImagePrewarm(CreateImagePrewarmRequest request, ServerCallContext context)
    {
        var cancel = context.CancellationToken;
        var made = await store.MutateAsync(context.GetCall(), request, _ => AdmitAsync(request, cancel), async (unit, found) =>
        {
            var name = $"imagePrewarms/{request.ImagePrewarmId}";
            if (await unit.Db.ImagePrewarms.AnyAsync(p => p.Name == name)) throw Fault.AlreadyExists(name);
            var row = new ImagePrewarmRow
            {
                Name = name,
                Image = request.ImagePrewarm.Image,
                AvailabilityZone = request.ImagePrewarm.AvailabilityZone,
                HypervisorLabels = Labels.Store(request.ImagePrewarm.HypervisorLabels),
                CreateTime = unit.Now,
                UpdateTime = unit.Now,
                ImageTime = unit.Now,
                StateTime = unit.Now,
            };
            found.Apply(row, unit.Now);
            unit.Db.ImagePrewarms.Add(row);
            return unit.Emit(Change.Created, row);
        }, cancel);
        loop.Wake(default);
        return made;
    }

    /// <exception cref="Fault">INVALID_ARGUMENT with every violation.</exception>
    async Task<Finding> AdmitAsync(CreateImagePrewarmRequest request, CancellationToken cancel)
    {
        var violations = new Violations();
        violations.Id("image_prewarm_id", request.ImagePrewarmId);
        Finding? found = null;
        if (violations.Require(request.ImagePrewarm is not null, "image_prewarm", "is required"))
        {
            found = await FindAsync(request.ImagePrewarm.Image, violations, cancel);
            violations.Require(request.ImagePrewarm.AvailabilityZone.Length <= LongestZone, "image_prewarm.availability_zone",
                $"must have at most {LongestZone} characters");
            violations.Labels("image_prewarm.hypervisor_labels", request.ImagePrewarm.HypervisorLabels);
        }
        violations.ThrowIfAny();
        return found!;
    }

    /// <summary>What the image is now; one that has no content yet may be waited for.</summary>
    async Task<Finding?> FindAsync(string image, Violations violations, CancellationToken cancel)
    {
        const string Field = "image_prewarm.image";
        if (!violations.Require(ImageNames.IsImageOrFamily(image), Field, "must be " + ImageNames.Expected)) return null;
        var found = Finding.Of(image, await images.FindAsync(ResourceName.ProjectOf(image)!, image, cancel));
        violations.Require(!found.Fails, Field, found.Message);
        return found;
    }

    public override Task<ImagePrewarm> GetImagePrewarm(GetImagePrewarmRequest request, ServerCallContext context)
    {
        ResourceName.Parse(Pattern, request.Name);
        return store.ReadAsync(async db =>
            (await db.ImagePrewarms.FirstOrDefaultAsync(p => p.Name == request.Name) ?? throw Fault.NotFound(request.Name))
            .ToProto());
    }

    public override async Task<ListImagePrewarmsResponse> ListImagePrewarms(ListImagePrewarmsRequest request,
        ServerCallContext context)
    {
        var list = ListQuery.Of(request, context.GetCall(), Filters);
        var (found, sequence) = await store.SnapshotAsync(db => list.Of(db.ImagePrewarms).ToListAsync());
        var (rows, next) = list.Cut(found);
        return new ListImagePrewarmsResponse
        {
            ImagePrewarms = { rows.Select(p => p.ToProto()) },
            NextPageToken = next,
            ResumeToken = Watch.Token(sequence),
        };
    }

    public override async Task<Empty> DeleteImagePrewarm(DeleteImagePrewarmRequest request, ServerCallContext context)
    {
        ResourceName.Parse(Pattern, request.Name);
        var answer = await store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var row = await unit.Db.ImagePrewarms.FirstOrDefaultAsync(p => p.Name == request.Name)
                ?? throw Fault.NotFound(request.Name);
            row.Touch(request.Etag, unit.Now);
            unit.Db.ImagePrewarms.Remove(row);
            unit.Emit(Change.Deleted, row);
            return new Empty();
        }, context.CancellationToken);
        loop.Wake(default);
        return answer;
    }

    public override Task WatchImagePrewarms(WatchImagePrewarmsRequest request,
        IServerStreamWriter<WatchImagePrewarmsResponse> stream, ServerCallContext context)
    {
        var watch = Watch.Of(store, request, context.GetCall(), Pattern);
        return watch.RunAsync("imagePrewarm",
            async db => (await watch.Of(db.ImagePrewarms).ToListAsync()).ConvertAll(p => p.ToProto()),
            (change, prewarm, token) => stream.WriteAsync(new WatchImagePrewarmsResponse
            {
                Change = change,
                ImagePrewarm = prewarm,
                ResumeToken = token,
            }, context.CancellationToken), context.CancellationToken);
    }
}
