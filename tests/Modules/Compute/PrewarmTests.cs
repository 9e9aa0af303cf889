using System.Collections.Concurrent;
using CsCheck;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Monolith.Agent.V1;
using Monolith.Compute.Hypervisors;
using Monolith.Compute.Prewarms;
using Monolith.Compute.V1;
using Monolith.Compute.Vms;
using Monolith.Image.Contracts;
using Monolith.Modules.Tests.Calls;
using Monolith.Platform.Calls;
using Monolith.Platform.Reconciling;
using ImagePrewarmService = Monolith.Compute.Prewarms.ImagePrewarmService;
using Said = Monolith.Agent.V1.ImageStatus.Types.State;
using State = Monolith.Compute.V1.ImagePrewarm.Types.State;

namespace Monolith.Modules.Tests.Compute;

/// <summary>Which hypervisors are told to hold which image, and what is known of it.</summary>
public sealed class PrewarmTests
{
    const string Debian = "projects/p/images/debian", Family = "projects/p/imageFamilies/debian";

    static readonly string A = new('a', 64), B = new('b', 64);

    /// <summary>A fleet of three in two zones, with streams, and images that a test makes and takes away.</summary>
    sealed class Cloud : IImages, IAsyncDisposable
    {
        public ConcurrentDictionary<string, ImageFacts> Images { get; } = new();
        public required ComputeStore Store { get; init; }
        public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero));
        public VmStreams Streams { get; private set; } = null!;
        public Warmer Warmer { get; private set; } = null!;
        public ImagePrewarmService Service { get; private set; } = null!;
        public Presence Presence { get; private set; } = null!;
        public Dictionary<string, TestStream<SyncVmsResponse>> Nodes { get; } = [];

        public static async Task<Cloud> StartAsync(string provider)
        {
            var cloud = new Cloud { Store = await ComputeStore.OpenAsync(provider) };
            cloud.Restart();
            await cloud.ConnectAsync("hv1", "az1");
            await cloud.ConnectAsync("hv2", "az1");
            await cloud.ConnectAsync("hv3", "az2");
            await cloud.Store.Store.WriteAsync(Call.Of("test"), async unit =>
                (await unit.Db.Hypervisors.SingleAsync(h => h.Name == "hypervisors/hv2")).Labels =
                    Monolith.Platform.Names.Labels.Store([new("rack", "r7"), new("tier", "web")]), default);
            cloud.Images[Debian] = Facts(A);
            return cloud;
        }

        /// <summary>As a new host would, on the same rows; nobody is connected.</summary>
        public void Restart()
        {
            Nodes.Clear();
            Streams = new VmStreams(new VmItems(Store.Store), Time);
            Warmer = new Warmer(Store.Store, this, Streams, Time);
            Presence = new Presence(Store.Store, Time);
            Service = new ImagePrewarmService(Store.Store, this, new Reconciler<PrewarmLook>("test",
                (_, _) => Task.FromResult(Outcome.Settled), _ => Task.FromResult<IReadOnlyList<PrewarmLook>>([]), Time, NullLogger.Instance));
        }

        public async Task ConnectAsync(string node, string zone, bool knows = true)
        {
            var hello = new Hello { Inventory = new() { Cpus = 4, MemoryMib = 1024, DiskGib = 10, AvailabilityZone = zone } };
            if (knows) hello.Inventory.Capabilities["prewarm"] = "1";
            await Presence.ConnectedAsync(node, hello, default);
            await Streams.Open(node, Nodes[node] = new()).WriteInSyncAsync(new SyncVmsResponse { InSync = new() },
                async () => (await Store.Store.ReadAsync(db => PrewarmQueries.OfNodeAsync(db, node))).ToWire(), default);
            Told[node] = (await Nodes[node].NextAsync()).WantedImages;
        }

        /// <summary>What each node was told with its snapshot.</summary>
        public Dictionary<string, WantedImages?> Told { get; } = [];

        public static ImageFacts Facts(string sha256) => new(Debian, sha256, 1000, "qcow2", 4000, 0, 0, false, "");

        public Task<ImageFacts?> FindAsync(string project, string name, CancellationToken cancel) =>
            Task.FromResult(project == "p" ? Images.GetValueOrDefault(name) : null);

        public Stream? OpenBlob(string sha256) => throw new NotSupportedException();

        public Task<ImagePrewarm> CreateAsync(string image = Debian, string zone = "", string id = "w", string rack = "")
        {
            var wanted = new ImagePrewarm { Image = image, AvailabilityZone = zone };
            if (rack.Length > 0) wanted.HypervisorLabels["rack"] = rack;
            return Service.CreateImagePrewarm(new() { ImagePrewarmId = id, ImagePrewarm = wanted }, new FakeCall());
        }

        public Task<ImagePrewarm> GetAsync(string id = "w") =>
            Service.GetImagePrewarm(new() { Name = "imagePrewarms/" + id }, new FakeCall());

        /// <summary>A look, and what it told each node; nothing of those that were told nothing.</summary>
        public async Task<string> LookAsync()
        {
            Time.Advance(Warmer.Pause);
            Assert.Equal(Outcome.Settled, await Warmer.ReconcileAsync(default));
            var told = new List<string>();
            foreach (var (node, stream) in Nodes)
                while (!stream.IsEmpty)
                    told.Add($"{node}:{string.Concat((await stream.NextAsync()).WantedImages.Images.Select(i => i.Sha256[0]))}");
            return string.Join(' ', told);
        }

        public Task<bool> SayAsync(string node, params (string Sha256, Said State, long Bytes, string Message)[] said) =>
            Warmer.TakeAsync(node, new ImageStatuses
            {
                Images = { said.Select(s => new ImageStatus { Sha256 = s.Sha256, State = s.State, BytesDone = s.Bytes, Message = s.Message, Reason = s.Message.Length > 0 ? "NO_ROOM" : "" }) },
            }, default);

        public ValueTask DisposeAsync() => Store.DisposeAsync();
    }

    static string Count(ImagePrewarm p) =>
        $"{p.State}: of {p.HypervisorCount} hold {p.HoldingCount} fetch {p.FetchingCount} wait {p.WaitingCount} failed {p.FailedCount} down {p.DownCount}, {p.BytesDone} bytes";

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AWish_IsToldToThoseThatMatch_Counted_AndTakenBack(string provider)
    {
        await using var cloud = await Cloud.StartAsync(provider);
        Assert.Null(cloud.Told["hv1"]);
        var made = await cloud.CreateAsync(zone: "az1");
        Assert.Equal((Debian, A, 1000L, State.Warming), (made.HeldImage, made.Sha256, made.SizeBytes, made.State));
        Assert.Equal("hv1:a hv2:a", await cloud.LookAsync());
        Assert.Equal("", await cloud.LookAsync());
        Assert.Equal("Warming: of 2 hold 0 fetch 0 wait 2 failed 0 down 0, 0 bytes", Count(await cloud.GetAsync()));

        Assert.True(await cloud.SayAsync("hv1", (A, Said.Fetching, 400, "")));
        Assert.False(await cloud.SayAsync("hv1", (A, Said.Fetching, 400, "")));
        Assert.True(await cloud.SayAsync("hv2", (A, Said.Holding, 0, "")));
        await cloud.LookAsync();
        var seen = await cloud.GetAsync();
        Assert.Equal("Warming: of 2 hold 1 fetch 1 wait 0 failed 0 down 0, 1400 bytes", Count(seen));
        Assert.Equal("Of 2 hypervisors 1 hold it, 1 fetch it.", seen.Conditions.Single(c => c.Type == "Held").Message);
        await cloud.SayAsync("hv1", (A, Said.Holding, 0, ""));
        await cloud.LookAsync();
        Assert.Equal("Warm: of 2 hold 2 fetch 0 wait 0 failed 0 down 0, 2000 bytes", Count(seen = await cloud.GetAsync()));
        // What does not change is not written.
        await cloud.LookAsync();
        Assert.Equal(seen, await cloud.GetAsync());

        await cloud.Service.DeleteImagePrewarm(new() { Name = made.Name }, new FakeCall());
        Assert.Equal("hv1: hv2:", await cloud.LookAsync());
        Assert.Equal(0, await cloud.Store.Store.ReadAsync(db => db.ImageReports.CountAsync()));
        Assert.False(await cloud.Warmer.IsNeededAsync());
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Labels_AndWhoComesLater_AndSeveralWishes_EachImageOnce(string provider)
    {
        await using var cloud = await Cloud.StartAsync(provider);
        cloud.Images["projects/p/images/other"] = Cloud.Facts(B) with { Name = "projects/p/images/other" };
        await cloud.CreateAsync(rack: "r7");
        Assert.Equal("hv2:a", await cloud.LookAsync());
        cloud.Time.Advance(TimeSpan.FromSeconds(1));
        await cloud.CreateAsync("projects/p/images/other", id: "v");
        await cloud.CreateAsync(id: "again", rack: "r7");
        Assert.Equal("hv1:b hv2:ab hv3:b", await cloud.LookAsync());
        await cloud.ConnectAsync("hv4", "az2");
        Assert.Equal(B, cloud.Told["hv4"]!.Images.Single().Sha256);
        Assert.Equal("", await cloud.LookAsync());
        Assert.Equal(4, (await cloud.GetAsync("v")).HypervisorCount);
    }

    /// <summary>Whoever comes back to a new host is told before anything of its cache is given up, and what it said is known.</summary>
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task ANewHost_KnowsWhatIsWanted_AndWhoHeldIt(string provider)
    {
        await using var cloud = await Cloud.StartAsync(provider);
        await cloud.CreateAsync(zone: "az1");
        await cloud.LookAsync();
        await cloud.SayAsync("hv1", (A, Said.Holding, 0, ""));
        cloud.Restart();
        await cloud.ConnectAsync("hv1", "az1");
        Assert.Equal(new WantedImage { Sha256 = A, SizeBytes = 1000, Format = "qcow2" }, cloud.Told["hv1"]!.Images.Single());
        Assert.False(await cloud.SayAsync("hv1", (A, Said.Holding, 0, "")));
        Assert.Equal("", await cloud.LookAsync());
        Assert.Equal(1, (await cloud.GetAsync()).HoldingCount);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AFamily_IsAlwaysItsNewest_AndAnImageThatIsGone_OrObsolete_OrNotReady_SaysSo(string provider)
    {
        await using var cloud = await Cloud.StartAsync(provider);
        cloud.Images[Family] = Cloud.Facts(A) with { Name = "projects/p/images/debian-1" };
        await cloud.CreateAsync(Family, zone: "az2");
        Assert.Equal("hv3:a", await cloud.LookAsync());
        await cloud.SayAsync("hv3", (A, Said.Holding, 0, ""));
        cloud.Images[Family] = Cloud.Facts(B) with { Name = "projects/p/images/debian-2" };
        Assert.Equal("hv3:b", await cloud.LookAsync());
        var seen = await cloud.GetAsync();
        Assert.Equal(("projects/p/images/debian-2", B, State.Warming), (seen.HeldImage, seen.Sha256, seen.State));

        foreach (var (facts, reason, state) in new (ImageFacts?, string, State)[]
        {
            (null, "IMAGE_GONE", State.Failed),
            (Cloud.Facts(B) with { Obsolete = true, Warning = "Use debian-3." }, "IMAGE_OBSOLETE", State.Failed),
            (Cloud.Facts("") with { Missing = "It is being imported." }, "IMAGE_NOT_READY", State.Warming),
        })
        {
            if (facts is null) cloud.Images.TryRemove(Family, out _);
            else cloud.Images[Family] = facts;
            await cloud.LookAsync();
            seen = await cloud.GetAsync();
            Assert.Equal((state, "", "", 0), (seen.State, seen.HeldImage, seen.Sha256, seen.HypervisorCount));
            Assert.Equal(reason, seen.Conditions.Single(c => c.Type == "ImageFound").Reason);
            Assert.False(await cloud.Store.Store.ReadAsync(db => BlobUse.MayRead(db, "hv3", B, default)));
        }
        cloud.Images[Family] = Cloud.Facts(B);
        Assert.Equal("hv3:b", await cloud.LookAsync());
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Failures_AreTold_WithTheirCauses_AndWhoIsDownOrTooOld_IsSaidToBe(string provider)
    {
        await using var cloud = await Cloud.StartAsync(provider);
        await cloud.CreateAsync();
        await cloud.ConnectAsync("hv0", "az1", knows: false);
        await cloud.SayAsync("hv1", (A, Said.Failed, 0, "the cache is full"));
        await cloud.SayAsync("hv2", (A, Said.Holding, 0, ""));
        await cloud.Presence.DisconnectedAsync("hv3");
        await cloud.LookAsync();
        var seen = await cloud.GetAsync();
        Assert.Equal("Failed: of 4 hold 1 fetch 0 wait 0 failed 2 down 1, 1000 bytes", Count(seen));
        Assert.Equal([("hypervisors/hv0", "AGENT_TOO_OLD"), ("hypervisors/hv1", "NO_ROOM")], seen.Failures.Select(f => (f.Hypervisor, f.Reason)));
        Assert.Equal("the cache is full", seen.Failures[1].Message);
    }

    /// <summary>It is let in, and named to others, for what it is to hold alone.</summary>
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task ANode_MayReadWhatItIsToHold_AndIsBelievedOfNothingElse(string provider)
    {
        await using var cloud = await Cloud.StartAsync(provider);
        await cloud.CreateAsync(zone: "az1");
        await cloud.LookAsync();
        Task<bool> May(string node, string blob) => cloud.Store.Store.ReadAsync(db => BlobUse.MayRead(db, node, blob, default));
        Assert.True(await May("hv1", A));
        Assert.False(await May("hv3", A));
        Assert.False(await May("hv1", B));
        Assert.False(await May("hv1", ""));
        Assert.False(await May("nobody", A));
        Assert.False(await cloud.SayAsync("hv3", (A, Said.Holding, 0, "")));
        Assert.False(await cloud.SayAsync("hv1", (B, Said.Holding, 0, "")));
        Assert.True(await cloud.SayAsync("hv1", (A, Said.Holding, 0, "")));
        Assert.Equal(["hv1"], await cloud.Store.Store.ReadAsync(db => PrewarmQueries.Holders(db, A)));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task WhatMakesNoSense_IsRefused_WithEveryViolation(string provider)
    {
        await using var cloud = await Cloud.StartAsync(provider);
        async Task<IEnumerable<string>> FieldsAsync(ImagePrewarm? wanted) => (await Expect.FaultAsync(StatusCode.InvalidArgument,
            "INVALID_REQUEST", () => cloud.Service.CreateImagePrewarm(new() { ImagePrewarmId = "W", ImagePrewarm = wanted }, new FakeCall())))
            .Fields.Select(f => f.Field);
        Assert.Equal(["image_prewarm_id", "image_prewarm"], await FieldsAsync(null));
        Assert.Equal(["image_prewarm_id", "image_prewarm.image", "image_prewarm.availability_zone", "image_prewarm.hypervisor_labels[No]"],
            await FieldsAsync(new() { Image = "debian", AvailabilityZone = new('z', 64), HypervisorLabels = { ["No"] = "" } }));
        Assert.Equal(["image_prewarm_id", "image_prewarm.image"], await FieldsAsync(new() { Image = "projects/p/images/none" }));
        cloud.Images[Debian] = Cloud.Facts(A) with { Obsolete = true };
        Assert.Equal(["image_prewarm_id", "image_prewarm.image"], await FieldsAsync(new() { Image = Debian }));
        cloud.Images[Debian] = Cloud.Facts(A);
        await cloud.CreateAsync();
        await Expect.FaultAsync(StatusCode.AlreadyExists, "RESOURCE_EXISTS", () => cloud.CreateAsync());
        await Expect.FaultAsync(StatusCode.NotFound, "RESOURCE_NOT_FOUND", () => cloud.GetAsync("none"));
        await Expect.FaultAsync(StatusCode.Aborted, "ETAG_MISMATCH",
            () => cloud.Service.DeleteImagePrewarm(new() { Name = "imagePrewarms/w", Etag = "77" }, new FakeCall()));
    }

    static readonly Gen<(Member Member, ImageReportRow? Report)> AnyMember =
        from up in Gen.Bool
        from knows in Gen.Bool
        from state in Gen.Int[-1, 5]
        from bytes in Gen.Long[0, 3000]
        select (new Member("", up, knows), state < 0 ? null : new ImageReportRow { Hypervisor = "", Sha256 = A, State = (Said)state, BytesDone = bytes });

    /// <summary>Everybody is counted once.</summary>
    [Fact]
    public void Counts_AddUp() => AnyMember.List[0, 40].Sample(all =>
    {
        var members = all.Select((m, n) => m.Member with { Id = $"hv{n:00}" }).ToList();
        var reports = all.Index().Where(m => m.Item.Report is not null).ToDictionary(m => members[m.Index].Id, m => m.Item.Report!);
        var tally = Tally.Of(members, reports, 1000);
        Assert.Equal(members.Count, tally.Hypervisors);
        Assert.Equal(members.Count, tally.Holding + tally.Fetching + tally.Waiting + tally.Failed + tally.Down);
        Assert.InRange(tally.BytesDone, 1000L * tally.Holding, 1000L * (tally.Holding + tally.Fetching));
        Assert.Equal(Math.Min(10, tally.Failed), tally.Failures!.Count);
        Assert.Equal(tally.State == State.Warm, tally.Holding == members.Count(m => m.Up));
    });
}
