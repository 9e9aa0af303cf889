using System.Runtime.CompilerServices;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Disks;
using Monolith.Image.Blobs;
using Monolith.Image.Conversion;
using Monolith.Image.Imports;
using Monolith.Image.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;
using Monolith.Platform.Quotas;
using Monolith.Platform.Reconciling;
using Monolith.Platform.Storage;
using Monolith.Platform.Watching;
using ImageMessage = Monolith.Image.V1.Image;

namespace Monolith.Image.Images;

internal sealed class ImageService(Store<ImageDb> store, BlobStore blobs, BlobCleaner cleaner, Counts<ImageDb> counts,
    Converter converter, Reconciler<ImportId> imports, ImageOptions options, IQuotaLimits? limits = null)
    : V1.ImageService.ImageServiceBase
{
    const string Pattern = "projects/*/images/*";
    const int ChunkBytes = 256 * 1024;

    static readonly FilterFields<ImageRow> Filters = new FilterFields<ImageRow>()
        .Text("name", i => i.Name)
        .Text("display_name", i => i.DisplayName)
        .Text("family", i => i.Family)
        .Text("sha256", i => i.Sha256)
        .Word("format", i => i.Format)
        .Word("visibility", i => i.Visibility)
        .Word("state", i => i.State)
        .Text("source_server", i => i.SourceServer)
        .Word("deprecation", i => i.Deprecation)
        .Flag("hidden", i => i.Hidden)
        .Flag("delete_protected", i => i.DeleteProtected)
        .Word("state", i => i.State)
        .Number("size_bytes", i => i.SizeBytes)
        .Time("create_time", i => i.CreateTime)
        .Labels(i => i.Labels);

    public override async Task<ImageMessage> UploadImage(IAsyncStreamReader<UploadImageRequest> requests, ServerCallContext context)
    {
        var cancel = context.CancellationToken;
        if (!await requests.MoveNext(cancel) || requests.Current.Header is not { } header)
            throw Fault.Invalid("header", "must be the first message of the stream");
        ImageRules.Check(header);
        var name = $"{header.Parent}/images/{header.ImageId}";
        // Before a gigabyte is sent for nothing; the commit checks again.
        if (header.RequestId.Length == 0)
        {
            if (await store.ReadAsync(db => db.Images.AnyAsync(i => i.Name == name, cancel)))
                throw Fault.AlreadyExists(name);
            await RefuseTooMuchAsync(ResourceName.ProjectOf(name)!, header.SizeBytes);
        }
        if (header.StoreAs != ImageMessage.Types.Format.Unspecified) await converter.RequireAsync(name, cancel);
        var sent = await requests.MoveNext(cancel);
        // Asked before its content is sent: what the header says of it counts.
        if (header.ValidateOnly && !sent)
            return await CommitAsync(new("", header.Sha256, header.SizeBytes, new(DiskKind.Raw, header.SizeBytes)));
        using var came = await blobs.ReceiveAsync(Chunks(requests, sent, cancel), header.Sha256, header.SizeBytes, cancel);
        using var blob = await converter.ConvertAsync(came, header.StoreAs, cancel);
        try
        {
            return await blobs.KeepAsync(blob, () => CommitAsync(blob));
        }
        finally
        {
            // Does nothing when the blob got its name.
            await cleaner.CleanAsync(blob.Sha256, CancellationToken.None);
        }

        Task<ImageMessage> CommitAsync(ReceivedBlob received) => store.MutateAsync(context.GetCall(), header, async unit =>
        {
            if (await unit.Db.Images.AnyAsync(i => i.Name == name)) throw Fault.AlreadyExists(name);
            var row = ImageRow.Of(name, header.Image, header.StoreAs, unit.Now);
            row.Fill(received, new ImageMessage());
            unit.Db.Images.Add(row);
            return Emit(unit, Change.Created, row);
        }, cancel);
    }

    public override async Task<ImageMessage> ImportImage(ImportImageRequest request, ServerCallContext context)
    {
        ImportRules.Check(request, options.Import);
        var name = $"{request.Parent}/images/{request.ImageId}";
        if (request.StoreAs != ImageMessage.Types.Format.Unspecified)
            await converter.RequireAsync(name, context.CancellationToken);
        ImportId? import = null;
        var answer = await store.MutateAsync(context.GetCall(), request, async unit =>
        {
            if (await unit.Db.Images.AnyAsync(i => i.Name == name)) throw Fault.AlreadyExists(name);
            var row = ImageRow.Of(name, request.Image, request.StoreAs, unit.Now);
            row.State = ImageMessage.Types.State.Importing;
            row.WriteOrigin(ImportRules.Origin(request, options.Import, unit.Now));
            unit.Db.Images.Add(row);
            import = new ImportId(row.Uid);
            return Emit(unit, Change.Created, row);
        }, context.CancellationToken);
        if (import is { } begun) imports.Wake(begun);
        return answer;
    }

    async Task RefuseTooMuchAsync(string project, long bytes)
    {
        if (limits is null || !limits.Any(project)) return;
        var exceeded = await store.ReadAsync(db => counts.ExceededAsync(db, limits, project,
            new Dictionary<string, long> { ["images"] = 1, ["image_bytes"] = bytes }, isCounted: false));
        if (exceeded.Count > 0) throw ExceededQuota.Fault(exceeded);
    }

    /// <param name="more">Whether the reader stands at one.</param>
    static async IAsyncEnumerable<ReadOnlyMemory<byte>> Chunks(IAsyncStreamReader<UploadImageRequest> requests, bool more,
        [EnumeratorCancellation] CancellationToken cancel)
    {
        for (; more; more = await requests.MoveNext(cancel))
        {
            if (requests.Current.PartCase != UploadImageRequest.PartOneofCase.Chunk)
                throw Fault.Invalid("part", "must be a chunk after the header");
            yield return requests.Current.Chunk.Memory;
        }
    }

    public override async Task DownloadImage(DownloadImageRequest request,
        IServerStreamWriter<DownloadImageResponse> responses, ServerCallContext context)
    {
        var cancel = context.CancellationToken;
        var violations = new Violations();
        ResourceName.Parse(Pattern, request.Name, "name", violations);
        violations.Require(request.Offset >= 0, "offset", "must not be negative");
        violations.ThrowIfAny();
        var (row, sight) = await FindAsync(request.Name, context.GetCall(), cancel);
        if (row.ToFacts().Missing is { Length: > 0 } missing) throw Fault.Precondition("IMAGE_NOT_READY", row.Name, missing + ".");
        await using var blob = blobs.Open(row.Sha256)
            ?? throw Fault.Internal("image", "opening the content", "Ask the operators to restore the blob " + row.Sha256);
        if (request.Offset > blob.Length)
            throw Fault.Invalid("offset", $"must be 0 to {blob.Length}");
        await responses.WriteAsync(new DownloadImageResponse { Image = sight.Shown(row.ToProto()) }, cancel);
        blob.Seek(request.Offset, SeekOrigin.Begin);
        var buffer = new byte[ChunkBytes];
        int read;
        while ((read = await blob.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancel)) > 0)
            await responses.WriteAsync(new DownloadImageResponse { Chunk = ByteString.CopyFrom(buffer, 0, read) }, cancel);
    }

    public override async Task<ImageMessage> GetImage(GetImageRequest request, ServerCallContext context)
    {
        var (row, sight) = await FindAsync(request.Name, context.GetCall(), context.CancellationToken);
        return sight.Shown(row.ToProto());
    }

    public override async Task<ListImagesResponse> ListImages(ListImagesRequest request, ServerCallContext context)
    {
        var list = ListQuery.Of(request, context.GetCall(), Filters);
        var visible = new VisibleImages(store, list.Scope, hidden: Filter.Names(request.Filter, "hidden"));
        var (found, sequence) = await store.SnapshotAsync(db =>
            list.Page.Of(list.Filtered(visible.Of(db))).ToListAsync());
        var (rows, next) = list.Cut(found);
        return new ListImagesResponse
        {
            Images = { rows.Select(visible.Shown) },
            NextPageToken = next,
            ResumeToken = Watch.Token(sequence),
        };
    }

    public override Task WatchImages(WatchImagesRequest request, IServerStreamWriter<WatchImagesResponse> stream,
        ServerCallContext context)
    {
        var watch = Watch.Of(store, request, context.GetCall(), Pattern);
        var visible = new VisibleImages(store, watch.Scope, hidden: request.Name.Length > 0);
        return watch.RunAsync("image",
            async db => (await watch.Only.Of(visible.Of(db)).ToListAsync()).ConvertAll(visible.Shown),
            (change, image, token) => stream.WriteAsync(new WatchImagesResponse
            {
                Change = change,
                Image = image,
                ResumeToken = token,
            }, context.CancellationToken), context.CancellationToken, visible.SeesAsync);
    }

    public override Task<ImageMessage> UpdateImage(UpdateImageRequest request, ServerCallContext context)
    {
        var violations = new Violations();
        violations.Require(request.Image is not null, "image", "is required");
        violations.ThrowIfAny();
        var wanted = request.Image!;
        ResourceName.Parse(Pattern, wanted.Name, "image.name", violations);
        var changed = Masks.Changed(request.UpdateMask, wanted, ImageRules.Changeable, violations);
        ImageRules.Check(wanted, "image", violations);
        violations.ThrowIfAny();
        return store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var row = await unit.Db.Images.FirstOrDefaultAsync(i => i.Name == wanted.Name)
                ?? throw Fault.NotFound(wanted.Name);
            row.Touch(wanted.Etag, unit.Now);
            if (changed.Contains("display_name")) row.DisplayName = wanted.DisplayName;
            if (changed.Contains("labels")) row.Labels = Labels.Store(wanted.Labels);
            if (changed.Contains("visibility") && wanted.Visibility != ImageMessage.Types.Visibility.Unspecified)
                row.Visibility = wanted.Visibility;
            if (changed.Contains("min_disk_gib")) row.MinDiskGib = wanted.MinDiskGib;
            if (changed.Contains("min_memory_mib")) row.MinMemoryMib = wanted.MinMemoryMib;
            if (changed.Contains("family")) row.Family = wanted.Family;
            Retire(row, wanted, changed);
            if (changed.Contains("hidden")) row.Hidden = wanted.Hidden;
            if (changed.Contains("delete_protected")) row.DeleteProtected = wanted.DeleteProtected;
            if (changed.Contains("shared_with")) row.SharedWith = Sharing.Store(wanted.SharedWith);
            return Emit(unit, Change.Updated, row);
        }, context.CancellationToken);
    }

    static void Retire(ImageRow row, ImageMessage wanted, IReadOnlySet<string> changed)
    {
        if (changed.Contains("deprecation") && wanted.Deprecation != ImageMessage.Types.Deprecation.Unspecified)
            row.Deprecation = wanted.Deprecation;
        if (changed.Contains("replacement")) row.Replacement = wanted.Replacement;
        if (changed.Contains("deprecation_message")) row.DeprecationMessage = wanted.DeprecationMessage;
    }

    public override async Task<Empty> DeleteImage(DeleteImageRequest request, ServerCallContext context)
    {
        ResourceName.Parse(Pattern, request.Name);
        var sha256 = "";
        ImportId? import = null;
        var answer = await store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var row = await unit.Db.Images.FirstOrDefaultAsync(i => i.Name == request.Name)
                ?? throw Fault.NotFound(request.Name);
            row.Touch(request.Etag, unit.Now);
            ImageRules.RefuseDeletion(row);
            (sha256, import) = (row.Sha256, row.State == ImageMessage.Types.State.Importing ? new ImportId(row.Uid) : null);
            unit.Db.Images.Remove(row);
            Emit(unit, Change.Deleted, row);
            return new Empty();
        }, context.CancellationToken);
        if (import is { } stopped) imports.Wake(stopped);
        if (!request.ValidateOnly) await cleaner.CleanAsync(sha256, CancellationToken.None);
        return answer;
    }

    /// <summary>An image that the caller sees, wherever it is; and how it sees it.</summary>
    /// <exception cref="Fault">
    /// NOT_FOUND, as for one that is not there; PERMISSION_DENIED where the caller knows the project.
    /// </exception>
    async Task<(ImageRow, Sight)> FindAsync(string name, Call call, CancellationToken cancel)
    {
        var project = ResourceName.Parse(Pattern, name)[0];
        var sight = new Sight(call.Caller.ProjectsWith(call.Permission));
        var row = await store.ReadAsync(db => db.Images.FirstOrDefaultAsync(i => i.Name == name, cancel));
        if (row is not null && sight.Sees(row.ToProto())) return (row, sight);
        if (!sight.Owns(name) && call.Caller.Knows(project))
            throw Fault.Denied(call.Permission, "projects/" + project, call.Caller.Name);
        throw Fault.NotFound(name);
    }

    static ImageMessage Emit(Unit<ImageDb> unit, Change change, ImageRow row)
    {
        var image = row.ToProto();
        unit.Emit("image", change, row.Name, row.Project, image);
        return image;
    }
}
