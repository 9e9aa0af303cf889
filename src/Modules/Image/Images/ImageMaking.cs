using Microsoft.EntityFrameworkCore;
using Monolith.Image.Blobs;
using Monolith.Image.Contracts;
using Monolith.Image.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;
using ImageMessage = Monolith.Image.V1.Image;
using State = Monolith.Image.V1.Image.Types.State;

namespace Monolith.Image.Images;

/// <summary>
/// Images whose content somebody makes:
/// <code>
///   Reserve ─▶ CREATING ─ Receive: size claimed ─▶ incoming, hash, inspect ─▶ sha256/{hex} + READY + event
///                 │                                       └ refused ─┐
///                 ├─ Fail ────────────────────────────────────────── ┴─▶ FAILED, without content
///                 └─ DeleteImage ─▶ gone: what is still sent is forgotten
/// </code>
/// </summary>
internal sealed class ImageMaking(Store<ImageDb> store, BlobStore blobs, BlobCleaner cleaner) : IImageMaking
{
    static readonly Call Self = Call.Of("image/making");

    static readonly Func<ImageDb, Guid, Task<ImageRow?>> ByUid =
        Query.One((ImageDb db, Guid uid) => db.Images.FirstOrDefault(i => i.Uid == uid));

    public Task<ImageMessage> TryAsync(Call call, ImageOrder order, CancellationToken cancel) =>
        // What is only validated leaves nothing.
        store.MutateAsync(call, new UploadImageRequest.Types.Header { ValidateOnly = true },
            unit => MakeAsync(unit, order), cancel);

    public Task<ImageMessage> ReserveAsync(Call call, ImageOrder order, CancellationToken cancel) =>
        store.WriteAsync(call, async unit =>
            await ByUid(unit.Db, order.Uid) is { } row ? row.ToProto() : await MakeAsync(unit, order), cancel);

    public Task<MadeImage?> FindAsync(Guid uid, CancellationToken cancel) => store.ReadAsync(async db =>
        await ByUid(db, uid) is { } row
            ? new MadeImage(row.State switch
            {
                State.Creating => MadeState.Creating,
                State.Failed => MadeState.Failed,
                _ => MadeState.Ready,
            }, row.BytesDone, row.BytesTotal, row.Sha256)
            : null);

    public Task TellAsync(Guid uid, long bytesDone, long bytesTotal, CancellationToken cancel) =>
        ChangeAsync(uid, (row, _) => (row.BytesDone, row.BytesTotal) = (bytesDone, bytesTotal), cancel);

    public Task FailAsync(Guid uid, string reason, string message, CancellationToken cancel) =>
        ChangeAsync(uid, (row, now) =>
        {
            (row.State, row.StateTime, row.Reason, row.Message) = (State.Failed, now, reason, message);
            (row.SizeBytes, row.BytesDone, row.BytesTotal) = (0, 0, 0);
        }, cancel);

    public async Task<string> ReceiveAsync(Guid uid, long sizeBytes, IAsyncEnumerable<ReadOnlyMemory<byte>> chunks,
        CancellationToken cancel)
    {
        var made = await FindAsync(uid, cancel);
        if (made is { State: MadeState.Ready }) return made.Sha256;
        if (made is not { State: MadeState.Creating }) throw Gone(uid);
        try
        {
            if (sizeBytes <= 0) throw Fault.Invalid("header.size_bytes", "must be more than 0");
            await ChangeAsync(uid, (row, _) => row.SizeBytes = sizeBytes, cancel);
            using var blob = await blobs.ReceiveAsync(chunks, "", sizeBytes, cancel);
            try
            {
                return await blobs.KeepAsync(blob, () => FinishAsync(uid, blob, cancel));
            }
            finally
            {
                // Does nothing when the blob got its name.
                await cleaner.CleanAsync(blob.Sha256, CancellationToken.None);
            }
        }
        // Another content, another day: neither comes of sending the same again.
        catch (Fault fault) when (fault.Code != Grpc.Core.StatusCode.NotFound)
        {
            await FailAsync(uid, fault.Reason, fault.Message, CancellationToken.None);
            throw;
        }
    }

    Task<string> FinishAsync(Guid uid, ReceivedBlob blob, CancellationToken cancel) => store.WriteAsync(Self, async unit =>
    {
        if (await ByUid(unit.Db, uid) is not { } row) throw Gone(uid);
        // Two were sent at once, and the other was first.
        if (row.State == State.Ready) return row.Sha256;
        if (row.State != State.Creating) throw Gone(uid);
        row.Fill(blob, row.ReadOrigin());
        (row.State, row.StateTime) = (State.Ready, unit.Now);
        (row.BytesDone, row.BytesTotal) = (0, 0);
        Touched(unit, row);
        return blob.Sha256;
    }, cancel);

    static Fault Gone(Guid uid) => Fault.NotFound($"images/{uid}");

    Task ChangeAsync(Guid uid, Action<ImageRow, DateTime> change, CancellationToken cancel) => store.WriteAsync(Self,
        async unit =>
        {
            if (await ByUid(unit.Db, uid) is not { State: State.Creating } row) return;
            change(row, unit.Now);
            Touched(unit, row);
        }, cancel);

    static void Touched(Unit<ImageDb> unit, ImageRow row)
    {
        row.Touch("", unit.Now);
        unit.Emit("image", Change.Updated, row.Name, row.Project, row.ToProto());
    }

    static async Task<ImageMessage> MakeAsync(Unit<ImageDb> unit, ImageOrder order)
    {
        if (await unit.Db.Images.AnyAsync(i => i.Name == order.Name)) throw Fault.AlreadyExists(order.Name);
        var row = new ImageRow
        {
            Uid = order.Uid,
            Name = order.Name,
            Project = ResourceName.ProjectOf(order.Name)!,
            DisplayName = order.DisplayName,
            Family = order.Family,
            Sha256 = "",
            Format = ImageMessage.Types.Format.Qcow2,
            Visibility = ImageMessage.Types.Visibility.Private,
            MinDiskGib = order.MinDiskGib,
            MinMemoryMib = order.MinMemoryMib,
            State = State.Creating,
            BytesTotal = order.BytesTotal,
            SourceServer = order.SourceServer,
            CreateTime = order.Time,
            UpdateTime = order.Time,
        };
        unit.Db.Images.Add(row);
        var image = row.ToProto();
        unit.Emit("image", Change.Created, row.Name, row.Project, image);
        return image;
    }
}
