using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Agent.V1;
using Monolith.Compute;
using Monolith.Compute.Hypervisors;
using Monolith.Compute.Servers;
using Monolith.Compute.Servers.Snapshots;
using Monolith.Compute.V1;
using Monolith.Compute.Vms;
using Monolith.Image;
using Monolith.Image.Blobs;
using Monolith.Image.Contracts;
using Monolith.Image.Images;
using Monolith.Modules.Tests.Calls;
using Monolith.Modules.Tests.Quotas;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Reconciling;
using Monolith.Platform.Storage;
using ImageMessage = Monolith.Image.V1.Image;
using State = Monolith.Image.V1.Image.Types.State;

namespace Monolith.Modules.Tests.Compute;

/// <summary>A server's disk on its way into an image, through both modules' rows: each step twice, and failed at each.</summary>
public sealed class SnapshotTests
{
    const string Server = QuotaHost.Project + "/servers/s1", Copy = QuotaHost.Project + "/images/copy";

    static async Task<QuotaHost> StartAsync(string provider)
    {
        var host = await QuotaHost.StartAsync(provider);
        host.Get<BlobStore>().Prepare();
        await host.Servers.CreateServer(QuotaHost.Server("s1"), QuotaHost.Admin);
        await Compute(host).WriteAsync(Call.Of("test"), async unit =>
        {
            var server = (await ServerQueries.ByName(unit.Db, Server))!;
            server.State = Monolith.Compute.V1.Server.Types.State.Ready;
            unit.Db.Vms.Add(new VmRow
            {
                ServerUid = server.Uid,
                ServerName = server.Name,
                Hypervisor = "hv1",
                ImageSha256 = server.ImageSha256,
                Plan = [],
                State = VmState.Running,
                ReportedGeneration = 1,
            });
        }, default);
        return host;
    }

    static Store<ComputeDb> Compute(QuotaHost host) => host.Get<Store<ComputeDb>>();

    static Task<ImageMessage> TakeAsync(QuotaHost host, string id = "copy", string requestId = "") =>
        host.Get<Snapshotting>().TakeAsync(new SnapshotServerRequest { Name = Server, ImageId = id, RequestId = requestId },
            QuotaHost.Admin.GetCall(), default);

    static Task<ImageRow?> ImageAsync(QuotaHost host, string name = Copy) =>
        host.Get<Store<ImageDb>>().ReadAsync(db => db.Images.FirstOrDefaultAsync(i => i.Name == name));

    static Task<VmRow> VmAsync(QuotaHost host) => Compute(host).ReadAsync(db => db.Vms.SingleAsync());

    static Task<SnapshotRow?> RowAsync(QuotaHost host) => Compute(host).ReadAsync(db => db.Snapshots.FirstOrDefaultAsync());

    static async Task<string> WantedAsync(QuotaHost host) =>
        (await Compute(host).ReadAsync(db => ServerQueries.ByName(db, Server)))!.SnapshotImage;

    /// <summary>Until there is nothing more to do; what throws is tried again, as by the loop.</summary>
    static async Task SettleAsync(QuotaHost host, IImageMaking? images = null, bool twice = false)
    {
        var reconciler = new SnapshotReconciler(Compute(host), images ?? host.Get<IImageMaking>(), host.Get<Presence>(),
            host.Get<VmStreams>(), TimeProvider.System);
        for (var round = 0; round < 30; round++)
        {
            if (await RowAsync(host) is not { } row) return;
            var before = (await VmAsync(host)).Generation;
            for (var repeat = 0; repeat < (twice ? 2 : 1); repeat++)
                try
                {
                    var outcome = await reconciler.ReconcileAsync(row.Uid, default);
                    if (outcome is Outcome.Later { After.Ticks: > 0 }) return;
                }
                catch (Cut)
                {
                }
            Assert.InRange((await VmAsync(host)).Generation - before, 0, 1);
        }
        Assert.Fail("it goes on and on");
    }

    static async Task ReportAsync(QuotaHost host, VmSnapshotStatus status) => await Compute(host).WriteAsync(Call.Of("test"),
        async unit => (await unit.Db.Vms.SingleAsync()).ReportedSnapshot = status.ToByteArray(), default);

    /// <summary>A qcow2 file of nothing but its header.</summary>
    static byte[] Content()
    {
        var file = new byte[3 << 16];
        void Write(int at, params byte[] bytes) => bytes.CopyTo(file, at);
        Write(0, 0x51, 0x46, 0x49, 0xfb, 0, 0, 0, 3);
        file[23] = 16;
        Write(24, 0, 0, 0, 2, 0x80, 0, 0, 0);
        file[39] = 20;
        file[45] = 2;
        file[53] = 1;
        file[59] = 1;
        file[99] = 4;
        file[103] = 104;
        return file;
    }

    static async IAsyncEnumerable<ReadOnlyMemory<byte>> Chunks(byte[] content, int breaksAfter = int.MaxValue)
    {
        foreach (var chunk in content.Chunk(1 << 16))
        {
            await Task.Yield();
            if (breaksAfter-- == 0) throw new IOException("the agent is gone");
            yield return chunk;
        }
    }

    static Task<string> ReceiveAsync(IImageMaking images, Guid uid, byte[] content, int breaksAfter = int.MaxValue) =>
        images.ReceiveAsync(uid, content.Length, Chunks(content, breaksAfter), default);

    static async Task EndedAsync(QuotaHost host)
    {
        Assert.Null(await RowAsync(host));
        Assert.Null((await VmAsync(host)).Snapshot);
        Assert.Empty(await WantedAsync(host));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Taken_TheImageIsThereAtOnce_AndReadyWhenItsContentIs(string provider)
    {
        await using var host = await StartAsync(provider);
        var image = await TakeAsync(host);
        Assert.Equal((Copy, State.Creating, true, Server), (image.Name, image.State, image.Reconciling, image.SourceServer));
        Assert.Equal(image, (await ImageAsync(host))!.ToProto());
        Assert.Equal(Copy, await WantedAsync(host));
        await SettleAsync(host, twice: true);
        var vm = await VmAsync(host);
        Assert.Equal((image.Uid, 2L, true), (vm.Snapshot.ToString(), vm.Generation, vm.IsCurrent));

        await ReportAsync(host, new() { Id = image.Uid, Phase = VmSnapshotStatus.Types.Phase.Copying, BytesDone = 512, BytesTotal = 1024 });
        await SettleAsync(host, twice: true);
        Assert.StartsWith("50 % of", Assert.Single((await ImageAsync(host))!.ToProto().Conditions).Message, StringComparison.Ordinal);

        var content = Content();
        var sum = await ReceiveAsync(host.Get<IImageMaking>(), Guid.Parse(image.Uid), content);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(content)), sum);
        // Again, by an agent that has not heard of it.
        Assert.Equal(sum, await ReceiveAsync(host.Get<IImageMaking>(), Guid.Parse(image.Uid), [1]));
        await SettleAsync(host, twice: true);
        await EndedAsync(host);
        var made = (await ImageAsync(host))!.ToProto();
        // Of which server it was made is its own project's business.
        Assert.Empty(Sight.Of("far").Shown(made).SourceServer);
        Assert.Equal(made, Sight.Of("demo").Shown(made));
        Assert.Equal((State.Ready, sum, content.Length, 10L << 30, ImageMessage.Types.Format.Qcow2, Server),
            (made.State, made.Sha256, made.SizeBytes, made.VirtualSizeBytes, made.Format, made.SourceServer));
    }

    /// <summary>What is asked of the other module breaks off, before it is done and after, at each call.</summary>
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task CutAtEveryCall_ItEndsAllTheSame(string provider)
    {
        var cuts = 0;
        for (var at = 0; ; at++)
        {
            await using var host = await StartAsync(provider);
            var images = new CutMaking(host.Get<IImageMaking>(), at);
            var id = Guid.NewGuid().ToString();
            var taking = new Snapshotting(Compute(host), images, new SnapshotReconciler(Compute(host), images,
                host.Get<Presence>(), host.Get<VmStreams>(), TimeProvider.System),
                host.Get<Reconciler<SnapshotId>>(), TimeProvider.System);
            ImageMessage? image = null;
            while (image is null)
                try
                {
                    image = await taking.TakeAsync(new SnapshotServerRequest { Name = Server, ImageId = "copy", RequestId = id },
                        QuotaHost.Admin.GetCall(), default);
                }
                catch (Cut)
                {
                }
            await SettleAsync(host, images);
            while ((await ImageAsync(host))!.State != State.Ready)
                try
                {
                    await ReceiveAsync(images, Guid.Parse(image.Uid), Content());
                }
                catch (Cut)
                {
                }
            await SettleAsync(host, images);
            await EndedAsync(host);
            Assert.Equal(1, await host.Get<Store<ImageDb>>().ReadAsync(db => db.Images.CountAsync(i => i.SourceServer == Server)));
            if (!images.WasCut) break;
            cuts++;
        }
        Assert.InRange(cuts, 8, 100);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task WhatCannotBeCopied_FailsTheImageWithTheCause_AndLeavesNothing(string provider)
    {
        await using var host = await StartAsync(provider);
        var image = await TakeAsync(host);
        await SettleAsync(host);
        await ReportAsync(host, new()
        {
            Id = image.Uid,
            Phase = VmSnapshotStatus.Types.Phase.Failed,
            Reason = "HYPERVISOR_DISK_FULL",
            Message = "There is no room.",
        });
        await SettleAsync(host, twice: true);
        await EndedAsync(host);
        var failed = (await ImageAsync(host))!.ToProto();
        Assert.Equal(State.Failed, failed.State);
        Assert.Equal(("HYPERVISOR_DISK_FULL", "There is no room."), (failed.Conditions[0].Reason, failed.Conditions[0].Message));
        // What comes too late is forgotten, and its name is no image's to start from.
        Assert.Equal(StatusCode.NotFound, (await Assert.ThrowsAsync<Fault>(() =>
            ReceiveAsync(host.Get<IImageMaking>(), Guid.Parse(image.Uid), Content()))).Code);
        Assert.NotEmpty((await host.Get<IImages>().FindAsync("demo", Copy, default))!.Missing);
        Assert.Empty(host.Get<BlobStore>().All());
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task TheImageDeletedMeanwhile_EndsIt_AndWhatIsSentIsForgotten(string provider)
    {
        await using var host = await StartAsync(provider);
        var image = await TakeAsync(host);
        await SettleAsync(host);
        await host.Make<ImageService>().DeleteImage(new() { Name = Copy }, QuotaHost.Admin);
        Assert.Equal(StatusCode.NotFound, (await Assert.ThrowsAsync<Fault>(() =>
            ReceiveAsync(host.Get<IImageMaking>(), Guid.Parse(image.Uid), Content()))).Code);
        await SettleAsync(host, twice: true);
        await EndedAsync(host);
        Assert.Null(await ImageAsync(host));
        Assert.Empty(host.Get<BlobStore>().All());
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AContentThatBreaksOff_IsSentAgain_AndOneThatIsNone_FailsTheImage(string provider)
    {
        await using var host = await StartAsync(provider);
        var uid = Guid.Parse((await TakeAsync(host)).Uid);
        var images = host.Get<IImageMaking>();
        await SettleAsync(host);
        await Assert.ThrowsAsync<IOException>(() => ReceiveAsync(images, uid, Content(), breaksAfter: 1));
        Assert.Equal(State.Creating, (await ImageAsync(host))!.State);
        var backed = Content();
        backed[15] = 104;
        await Assert.ThrowsAsync<Fault>(() => ReceiveAsync(images, uid, backed));
        var failed = (await ImageAsync(host))!;
        Assert.Equal(State.Failed, failed.State);
        Assert.Contains("backing file", failed.Message, StringComparison.Ordinal);
        Assert.Empty(host.Get<BlobStore>().All());
        await SettleAsync(host);
        await EndedAsync(host);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task OneAtATime_UnderANameThatIsFree_WithinTheQuota(string provider)
    {
        await using var host = await StartAsync(provider);
        Assert.Equal("RESOURCE_EXISTS", (await Assert.ThrowsAsync<Fault>(() => TakeAsync(host, "blank"))).Reason);
        await host.SetAsync(("images", 1));
        Assert.Equal("QUOTA_EXCEEDED", (await Assert.ThrowsAsync<Fault>(() => TakeAsync(host))).Reason);
        Assert.Null(await RowAsync(host));
        await host.SetAsync(("images", 9), ("image_bytes", 10_000));
        var id = Guid.NewGuid().ToString();
        var image = await TakeAsync(host, requestId: id);
        Assert.Equal(image, await TakeAsync(host, requestId: id));
        Assert.Equal("SNAPSHOT_UNDERWAY", (await Assert.ThrowsAsync<Fault>(() => TakeAsync(host, "other"))).Reason);
        Assert.Equal("SNAPSHOT_UNDERWAY", (await Assert.ThrowsAsync<Fault>(() => host.Servers.ResizeServer(
            new() { Name = Server, Flavor = "flavors/small" }, QuotaHost.Admin))).Reason);
        // Its size is known when it comes, and counts before it does.
        await SettleAsync(host);
        Assert.Equal("QUOTA_EXCEEDED", (await Assert.ThrowsAsync<Fault>(() =>
            ReceiveAsync(host.Get<IImageMaking>(), Guid.Parse(image.Uid), Content()))).Reason);
        Assert.Equal(("QUOTA_EXCEEDED", 0L), ((await ImageAsync(host))!.Reason, (await ImageAsync(host))!.SizeBytes));
        await SettleAsync(host);
        await EndedAsync(host);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AnImageWithoutContent_IsNeitherDownloadedNorAFamilysNewest(string provider)
    {
        await using var host = await StartAsync(provider);
        await host.Get<Snapshotting>().TakeAsync(new SnapshotServerRequest { Name = Server, ImageId = "copy", Family = "web" },
            QuotaHost.Admin.GetCall(), default);
        Assert.Null(await host.Get<IImages>().FindAsync("demo", QuotaHost.Project + "/imageFamilies/web", default));
        var fault = await Assert.ThrowsAsync<Fault>(() => host.Make<ImageService>().DownloadImage(new() { Name = Copy },
            null!, new FakeCall("image.images.download")));
        Assert.Equal("IMAGE_NOT_READY", fault.Reason);
    }

    sealed class Cut : Exception;

    /// <summary>Breaks off once: at an even number before the call, at an odd one after it.</summary>
    sealed class CutMaking(IImageMaking real, int at) : IImageMaking
    {
        int calls;

        public bool WasCut { get; private set; }

        public Task<ImageMessage> TryAsync(Call call, ImageOrder order, CancellationToken cancel) =>
            Do(() => real.TryAsync(call, order, cancel));

        public Task<ImageMessage> ReserveAsync(Call call, ImageOrder order, CancellationToken cancel) =>
            Do(() => real.ReserveAsync(call, order, cancel));

        public Task<MadeImage?> FindAsync(Guid uid, CancellationToken cancel) => Do(() => real.FindAsync(uid, cancel));

        public Task TellAsync(Guid uid, long done, long total, CancellationToken cancel) => Do(async () =>
        {
            await real.TellAsync(uid, done, total, cancel);
            return true;
        });

        public Task FailAsync(Guid uid, string reason, string message, CancellationToken cancel) => Do(async () =>
        {
            await real.FailAsync(uid, reason, message, cancel);
            return true;
        });

        public Task<string> ReceiveAsync(Guid uid, long size, IAsyncEnumerable<ReadOnlyMemory<byte>> chunks,
            CancellationToken cancel) => Do(() => real.ReceiveAsync(uid, size, chunks, cancel));

        async Task<T> Do<T>(Func<Task<T>> act)
        {
            var here = calls++ == at / 2 && !WasCut;
            if (here && at % 2 == 0) throw Now();
            var done = await act();
            return here ? throw Now() : done;
        }

        Cut Now()
        {
            WasCut = true;
            return new Cut();
        }
    }
}
