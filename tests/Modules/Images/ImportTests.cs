using System.Security.Cryptography;
using Grpc.Core;
using Monolith.Api.V1;
using Monolith.Image.Imports;
using Monolith.Image.V1;
using Monolith.Modules.Tests.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Quotas;
using static Monolith.Image.V1.Image.Types;
using Status = Monolith.Api.V1.Condition.Types.Status;

namespace Monolith.Modules.Tests.Images;

/// <summary>An import ends as the image that was asked for, or says why not; and leaves nothing else.</summary>
public sealed class ImportTests
{
    static readonly byte[] Content = Bytes(7);
    static readonly string Digest = Sum(Content);

    static byte[] Bytes(int seed)
    {
        var bytes = new byte[1_000_000];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    static string Sum(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));

    static Condition Step(Image.V1.Image image, string type) => image.Conditions.Single(c => c.Type == type);

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AnImport_IsThereAtOnce_AndTellsHowFarItIs_UntilItIsReady(string provider)
    {
        await using var database = await TestDatabases.MakeAsync(provider);
        await using var host = await ImportHost.StartAsync(database.Options, ImportHost.Quick with { Silence = TimeSpan.FromMinutes(1) });
        var half = new TaskCompletionSource();
        await using var source = new HttpSource(async (request, answer) =>
        {
            await answer.HeadAsync("200 OK", $"Content-Length: {Content.Length}", "ETag: \"1\"");
            await answer.SendAsync(Content.AsMemory(0, 300_000));
            await half.Task;
            await answer.SendAsync(Content.AsMemory(300_000));
        });
        var image = await host.ImportAsync(source.Url(), Digest);
        Assert.Equal((State.Importing, true, source.Url(), Digest, ""),
            (image.State, image.Reconciling, image.Import.Url, image.Import.Sha256, image.Sha256));
        Assert.Equal(["Fetched", "Verified"], image.Conditions.Select(c => c.Type));
        Assert.All(image.Conditions, c => Assert.Equal((Status.Pending, image.Import.Deadline), (c.Status, c.Deadline)));

        var seen = (await host.WatchAsync(i => i.Import.ReceivedBytes >= 300_000))[^1];
        Assert.Equal((State.Importing, Content.Length), (seen.State, seen.Import.TotalBytes));
        Assert.Contains("of 1 MiB", Step(seen, "Fetched").Message, StringComparison.Ordinal);
        half.SetResult();

        image = await host.EndAsync();
        Assert.Equal((State.Ready, false, Digest, Content.Length, Format.Raw),
            (image.State, image.Reconciling, image.Sha256, image.SizeBytes, image.Format));
        Assert.All(image.Conditions, c => Assert.Equal(Status.True, c.Status));
        Assert.Equal((Content.Length, 0), (image.Import.ReceivedBytes, image.Import.FailedAttempts));
        Assert.Equal([Digest], host.Files("sha256"));
        await NothingLeftAsync(host);
    }

    /// <summary>Four times a quarter, and no byte twice.</summary>
    [Fact]
    public async Task AnImport_ThatBreaksOff_GoesOnWhereItWas()
    {
        await using var database = await TestDatabases.MakeAsync("sqlite");
        await using var host = await ImportHost.StartAsync(database.Options);
        await using var source = new HttpSource((request, answer) => answer.ContentAsync(request, Content, most: 250_000));
        await host.ImportAsync(source.Url());
        var image = await host.EndAsync();
        Assert.Equal((State.Ready, Digest, 3), (image.State, image.Sha256, image.Import.FailedAttempts));
        Assert.Equal([(0L, ""), (250_000L, "\"1\""), (500_000L, "\"1\""), (750_000L, "\"1\"")],
            source.Requests.Select(r => (r.Offset, r.IfRange)));
    }

    [Fact]
    public async Task AnImport_ThatStalls_IsTriedAgain_AndSaysSoMeanwhile()
    {
        await using var database = await TestDatabases.MakeAsync("sqlite");
        await using var host = await ImportHost.StartAsync(database.Options);
        await using var source = new HttpSource(async (request, answer) =>
        {
            await answer.ContentAsync(request, Content, most: request.Offset == 0 ? 400_000 : int.MaxValue);
            await answer.StallAsync();
        });
        await host.ImportAsync(source.Url());
        var seen = await host.WatchAsync(i => i.State != State.Importing);
        Assert.Equal((State.Ready, Digest), (seen[^1].State, seen[^1].Sha256));
        var stalled = seen.First(i => Step(i, "Fetched").Reason == "STALLED");
        Assert.Contains("127.0.0.1 sent nothing", Step(stalled, "Fetched").Message, StringComparison.Ordinal);
        Assert.NotNull(stalled.Import.NextAttemptTime);
        Assert.Equal([0L, 400_000L], source.Requests.Select(r => r.Offset));
    }

    [Theory]
    [InlineData("\"2\"", "another ETag")]
    [InlineData("", "no ETag")]
    [InlineData("W/\"1\"", "a weak one")]
    public async Task WhatIsNotKnownToBeTheSameContent_IsFetchedAnew(string etag, string how)
    {
        await using var database = await TestDatabases.MakeAsync("sqlite");
        await using var host = await ImportHost.StartAsync(database.Options);
        var (first, second) = (Bytes(1), Bytes(2));
        var times = 0;
        await using var source = new HttpSource((request, answer) => Interlocked.Increment(ref times) == 1
            ? answer.ContentAsync(request, first, how == "another ETag" ? "\"1\"" : etag, most: 250_000)
            : answer.ContentAsync(request, second, etag));
        await host.ImportAsync(source.Url());
        var image = await host.EndAsync();
        Assert.Equal((State.Ready, Sum(second)), (image.State, image.Sha256));
    }

    [Fact]
    public async Task ASourceThatGivesAnotherPart_IsAskedForAll()
    {
        await using var database = await TestDatabases.MakeAsync("sqlite");
        await using var host = await ImportHost.StartAsync(database.Options);
        var times = 0;
        await using var source = new HttpSource(async (request, answer) =>
        {
            if (request.Offset == 0)
                await answer.ContentAsync(request, Content, most: Interlocked.Increment(ref times) == 1 ? 250_000 : int.MaxValue);
            else
            {
                await answer.HeadAsync("206 Partial Content", "Content-Length: 10", $"Content-Range: bytes 5-14/{Content.Length}");
                await answer.SendAsync(new byte[10]);
            }
        });
        await host.ImportAsync(source.Url());
        Assert.Equal(Digest, (await host.EndAsync()).Sha256);
        Assert.Equal([0L, 250_000L, 0L], source.Requests.Select(r => r.Offset));
    }

    public static TheoryData<string> Final =>
    [
        "wrong digest: WRONG_SHA256", "length too short: WRONG_SHA256", "announced too large: TOO_LARGE",
        "too large: TOO_LARGE", "not there: HTTP_STATUS", "to another loopback address: ADDRESS_NOT_ALLOWED",
        "to metadata: ADDRESS_NOT_ALLOWED", "to a file: REDIRECT_REFUSED", "for ever: TOO_MANY_REDIRECTS",
        "backing file: IMAGE_REFUSED", "web page: IMAGE_REFUSED", "encoded: ENCODED",
    ];

    [Theory]
    [MemberData(nameof(Final))]
    public async Task AnImport_ThatCanNotBe_FailsAtOnce_WithItsCause_AndLeavesNothing(string trial)
    {
        var (how, reason) = trial.Split(": ") is [var first, var second] ? (first, second) : throw new ArgumentException(trial);
        await using var database = await TestDatabases.MakeAsync("sqlite");
        await using var host = await ImportHost.StartAsync(database.Options);
        await using var elsewhere = new HttpSource((_, answer) => answer.HeadAsync("200 OK", "Content-Length: 0"));
        await using var source = new HttpSource((request, answer) => how switch
        {
            "length too short" => ShortAsync(answer),
            "announced too large" or "wrong digest" => answer.ContentAsync(request, Content),
            "too large" => answer.ContentAsync(request with { Offset = 0 }, Content),
            "not there" => answer.HeadAsync("404 Not Found", "Content-Length: 0"),
            "to another loopback address" => ToAsync(answer, elsewhere.Url(host: "127.0.0.2")),
            "to metadata" => ToAsync(answer, "http://169.254.169.254/latest/meta-data/"),
            "to a file" => ToAsync(answer, "file:///etc/passwd"),
            "for ever" => ToAsync(answer, "/again"),
            "backing file" => answer.ContentAsync(request, Backed()),
            "encoded" => answer.HeadAsync("200 OK", "Content-Length: 1000", "Content-Encoding: gzip"),
            _ => answer.ContentAsync(request, [.. "<!DOCTYPE html>"u8, .. new byte[1000]]),
        });
        await host.ImportAsync(source.Url(), how.Contains("large", StringComparison.Ordinal) || reason == "WRONG_SHA256" ? Sum([1]) : "",
            how.Contains("large", StringComparison.Ordinal) ? 999_999 : 0);
        var image = await host.EndAsync();
        Assert.Equal((State.Failed, false, "", 0), (image.State, image.Reconciling, image.Sha256, image.SizeBytes));
        var failed = Assert.Single(image.Conditions, c => c.Status == Status.False);
        Assert.Equal(reason, failed.Reason);
        Assert.True(failed.Message.Length > 20, failed.Message);
        Assert.All(image.Conditions, c => Assert.Null(c.Deadline));
        Assert.Empty(elsewhere.Requests);
        Assert.Empty(host.Files("sha256"));
        await NothingLeftAsync(host);

        var fault = await Expect.FaultAsync(StatusCode.FailedPrecondition, "IMAGE_NOT_READY", () => host.Images.DownloadImage(
            new DownloadImageRequest { Name = ImportHost.Name }, new TestStream<DownloadImageResponse>(), new FakeCall()));
        Assert.Contains("conditions say why", fault.Message, StringComparison.Ordinal);
        await host.Images.DeleteImage(new DeleteImageRequest { Name = ImportHost.Name }, new FakeCall());

        static async Task ShortAsync(HttpAnswer answer)
        {
            await answer.HeadAsync("200 OK", "Content-Length: 600000");
            await answer.SendAsync(Content);
        }

        static Task ToAsync(HttpAnswer answer, string to) => answer.HeadAsync("302 Found", "Content-Length: 0", "Location: " + to);

        static byte[] Backed()
        {
            var file = Qcow2File.Good();
            Qcow2File.Eight(file, Qcow2File.BackingOffset, 200);
            return file;
        }
    }

    /// <summary>Announced is more than comes, every time.</summary>
    [Fact]
    public async Task AnImport_IsTriedUntilItsDeadline_AndThenSaysWhatWasWrongAtLast()
    {
        await using var database = await TestDatabases.MakeAsync("sqlite");
        await using var host = await ImportHost.StartAsync(database.Options,
            ImportHost.Quick with { Deadline = TimeSpan.FromSeconds(8) });
        await using var source = new HttpSource((_, answer) => answer.HeadAsync("200 OK", "Content-Length: 1000"));
        await host.ImportAsync(source.Url());
        var image = await host.EndAsync();
        var fetched = Step(image, "Fetched");
        Assert.Equal((State.Failed, Status.False, "DEADLINE_EXCEEDED"), (image.State, fetched.Status, fetched.Reason));
        Assert.Contains("127.0.0.1 broke off", fetched.Message, StringComparison.Ordinal);
        Assert.True(image.Import.FailedAttempts > 1 && source.Requests.Count > 1);
        await NothingLeftAsync(host);
    }

    /// <summary>It goes on for as long as it is given, byte by byte.</summary>
    [Fact]
    public async Task AnImport_ThatIsTooSlow_EndsAtItsDeadline()
    {
        await using var database = await TestDatabases.MakeAsync("sqlite");
        await using var host = await ImportHost.StartAsync(database.Options,
            ImportHost.Quick with { Deadline = TimeSpan.FromSeconds(8) });
        await using var source = new HttpSource(async (_, answer) =>
        {
            await answer.HeadAsync("200 OK", "Content-Length: 1000000");
            while (true)
            {
                await answer.SendAsync(new byte[1]);
                await Task.Delay(50);
            }
        });
        await host.ImportAsync(source.Url());
        Assert.Equal("DEADLINE_EXCEEDED", Step(await host.EndAsync(), "Fetched").Reason);
        await NothingLeftAsync(host);
    }

    [Fact]
    public async Task ABusySource_IsAskedAgain()
    {
        await using var database = await TestDatabases.MakeAsync("sqlite");
        await using var host = await ImportHost.StartAsync(database.Options);
        var times = 0;
        await using var source = new HttpSource((request, answer) => Interlocked.Increment(ref times) < 3
            ? answer.HeadAsync("503 Service Unavailable", "Content-Length: 0")
            : request.Path == "/disk.raw"
                ? answer.HeadAsync("307 Temporary Redirect", "Content-Length: 0", "Location: /there")
                : answer.ContentAsync(request, Content));
        await host.ImportAsync(source.Url());
        var image = await host.EndAsync();
        Assert.Equal((State.Ready, Digest, 2), (image.State, image.Sha256, image.Import.FailedAttempts));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AHostThatComesBack_GoesOnWithIt_FromWhatSurvived(string provider)
    {
        await using var database = await TestDatabases.MakeAsync(provider);
        await using var source = new HttpSource(async (request, answer) =>
        {
            await answer.ContentAsync(request, Content, most: request.Offset == 0 ? 400_000 : int.MaxValue);
            if (request.Offset == 0) await answer.StallAsync();
        });
        string partial;
        // Long enough that the first host writes nothing down before it goes.
        await using (var first = await ImportHost.StartAsync(database.Options, ImportHost.Quick with { Silence = TimeSpan.FromMinutes(1) }))
        {
            await first.ImportAsync(source.Url());
            await first.WatchAsync(i => i.Import.ReceivedBytes > 0);
            partial = Path.Combine(database.Directory, "images", "importing", Assert.Single(first.Files("importing")));
        }
        // What a crash leaves: bytes that were not flushed, and files of nobody.
        await File.AppendAllBytesAsync(partial, new byte[1000], TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(Path.GetDirectoryName(partial)!, Guid.NewGuid().ToString("N")), "left",
            TestContext.Current.CancellationToken);
        await using var second = await ImportHost.StartAsync(database.Options);
        var image = await second.EndAsync();
        Assert.Equal((State.Ready, Digest), (image.State, image.Sha256));
        Assert.Equal(2, source.Requests.Count);
        Assert.InRange(source.Requests[1].Offset, 1, 400_000);
        await NothingLeftAsync(second);
    }

    [Fact]
    public async Task Delete_EndsAnImport_AndLeavesNothing()
    {
        await using var database = await TestDatabases.MakeAsync("sqlite");
        await using var host = await ImportHost.StartAsync(database.Options, ImportHost.Quick with { Silence = TimeSpan.FromMinutes(1) });
        await using var source = new HttpSource(async (request, answer) =>
        {
            await answer.ContentAsync(request, Content, most: 400_000);
            await answer.StallAsync();
        });
        await host.ImportAsync(source.Url());
        await host.WatchAsync(i => i.Import.ReceivedBytes > 0);
        await host.Images.DeleteImage(new DeleteImageRequest { Name = ImportHost.Name }, new FakeCall());
        await NothingLeftAsync(host);
        await UntilAsync(() => source.Open == 0);
        // The name is free at once.
        await host.ImportAsync(source.Url());
    }

    sealed class Limits : IQuotaLimits
    {
        public bool Any(string project) => true;

        public long? Of(string project, string quota) => quota == "image_bytes" ? 999_999 : null;
    }

    /// <summary>What is announced counts, before it is fetched.</summary>
    [Fact]
    public async Task AnImport_AboveTheQuota_Fails_BeforeItIsFetched()
    {
        await using var database = await TestDatabases.MakeAsync("sqlite");
        await using var host = await ImportHost.StartAsync(database.Options, limits: new Limits());
        await using var source = new HttpSource(async (_, answer) =>
        {
            await answer.HeadAsync("200 OK", "Content-Length: 1000000");
            await answer.StallAsync();
        });
        await host.ImportAsync(source.Url());
        var image = await host.EndAsync();
        Assert.Equal((State.Failed, "QUOTA_EXCEEDED"), (image.State, Step(image, "Fetched").Reason));
        Assert.Contains("image_bytes", Step(image, "Fetched").Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AName_ThatLeadsInside_IsNotConnectedTo()
    {
        await using var database = await TestDatabases.MakeAsync("sqlite");
        await using var host = await ImportHost.StartAsync(database.Options, ImportHost.Quick with { Allow = [] });
        await using var source = new HttpSource((request, answer) => answer.ContentAsync(request, Content));
        await host.ImportAsync(source.Url(host: "localhost"));
        var image = await host.EndAsync();
        Assert.Equal((State.Failed, "ADDRESS_NOT_ALLOWED"), (image.State, Step(image, "Fetched").Reason));
        Assert.Empty(source.Requests);
        Assert.Equal(0, source.Open);
        // An address says so itself.
        foreach (var url in new[] { source.Url(), "http://[::1]/", "http://[::ffff:10.0.0.1]/", "http://0x7f000001/" })
        {
            var fault = await Assert.ThrowsAsync<Fault>(() => host.ImportAsync(url));
            Assert.Equal("url", Assert.Single(fault.Fields).Field);
        }
    }

    [Fact]
    public async Task ABadRequest_IsToldAllThatIsWrongWithIt_AndARepeatIsOne()
    {
        await using var database = await TestDatabases.MakeAsync("sqlite");
        await using var host = await ImportHost.StartAsync(database.Options);
        var request = new ImportImageRequest
        {
            Parent = "demo",
            ImageId = "No",
            Url = "ftp://example.com/disk",
            Sha256 = "abc",
            MaxSizeBytes = -1,
            StoreAs = (Format)9,
            RequestId = "1",
            Image = new() { Family = "No" },
        };
        var fault = await Assert.ThrowsAsync<Fault>(() => host.Images.ImportImage(request, new FakeCall()));
        Assert.Equal(["parent", "image_id", "request_id", "sha256", "max_size_bytes", "store_as", "url", "image.family"],
            fault.Fields.Select(f => f.Field));
        fault = await Assert.ThrowsAsync<Fault>(() => host.ImportAsync("https://me:secret@example.com/disk"));
        Assert.Contains("no user or password", Assert.Single(fault.Fields).Description, StringComparison.Ordinal);

        await using var source = new HttpSource((asked, answer) => answer.ContentAsync(asked, Content));
        request = new()
        {
            Parent = "projects/demo", ImageId = "debian", Url = source.Url(), RequestId = Guid.NewGuid().ToString(), ValidateOnly = true,
        };
        await host.Images.ImportImage(request, new FakeCall());
        request.ValidateOnly = false;
        request.RequestId = Guid.NewGuid().ToString();
        var made = await host.Images.ImportImage(request, new FakeCall());
        Assert.Equal(made.Uid, (await host.Images.ImportImage(request, new FakeCall())).Uid);
        await Expect.FaultAsync(StatusCode.AlreadyExists, "RESOURCE_EXISTS", () => host.ImportAsync(source.Url()));
        await host.EndAsync();
        Assert.Single(source.Requests);
    }

    /// <summary>Also what is removed by the loop, after the image is what it will be.</summary>
    static async Task NothingLeftAsync(ImportHost host)
    {
        await UntilAsync(() => host.Files("importing").Length == 0);
        Assert.Empty(host.Files("incoming"));
    }

    static async Task UntilAsync(Func<bool> holds)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while (!holds()) await look.WaitForNextTickAsync(limit.Token);
    }
}
