using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Core;
using Monolith.Host.Tests.Cloud;
using Monolith.Image.V1;
using Header = Monolith.Image.V1.UploadImageRequest.Types.Header;

namespace Monolith.Host.Tests.Uploads;

/// <summary>Alone, since the store's files are counted.</summary>
[CollectionDefinition(DisableParallelization = true)]
public sealed class Alone;

/// <summary>An upload is kept whole, or leaves nothing: no file, no row, no name.</summary>
[Collection(typeof(Alone))]
public sealed class UploadTests(RunningHost host)
{
    static readonly byte[] Content = RandomNumberGenerator.GetBytes(300_000);

    ImageService.ImageServiceClient Images => new(host.Invoker);

    public static TheoryData<string> Refused => ["truncated", "digest", "long", "empty", "format", "headers", "chunk first",
        "digest form", "nowhere"];

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task ABadUpload_IsRefusedWithItsCause_AndLeavesNothing(string how)
    {
        var id = "bad-" + how.Replace(' ', '-');
        var header = new Header { Parent = "projects/own", ImageId = id, SizeBytes = Content.Length };
        List<UploadImageRequest> messages = [new() { Header = header }, .. Chunks(Content)];
        var (code, field) = (StatusCode.InvalidArgument, "");
        switch (how)
        {
            case "truncated":
                messages.RemoveAt(messages.Count - 1);
                field = "header.size_bytes";
                break;
            case "digest":
                header.Sha256 = Convert.ToHexStringLower(SHA256.HashData("other"u8));
                field = "header.sha256";
                break;
            case "long":
                messages.AddRange(Chunks(Content));
                field = "header.size_bytes";
                break;
            case "empty":
                header.SizeBytes = 0;
                messages.RemoveRange(1, messages.Count - 1);
                field = "chunk";
                break;
            case "format":
                header.SizeBytes = 0;
                messages = [messages[0], new() { Chunk = ByteString.CopyFrom([0x51, 0x46, 0x49, 0xfb, 0, 0, 0, 3]) }];
                field = "chunk";
                break;
            case "headers":
                messages.Add(new() { Header = header });
                field = "part";
                break;
            case "chunk first":
                messages.RemoveAt(0);
                // The first message says no project: it is on the cloud, where the administrator may, and is no header.
                field = "header";
                break;
            case "digest form":
                header.Sha256 = "ABC";
                field = "header.sha256";
                break;
            default:
                header.Parent = "projects/nowhere";
                code = StatusCode.NotFound;
                break;
        }
        var before = Files();
        var answer = await SendAsync(messages);
        Assert.Equal(code, answer.Code);
        if (field.Length > 0) Assert.Contains(answer.Fields, f => f.Field == field);
        await LeftNothingAsync(id, before);
    }

    [Fact]
    public async Task AnUploadThatIsBrokenOff_LeavesNothing()
    {
        var before = Files();
        using (var call = Images.UploadImage(host.Headers()))
        {
            await call.RequestStream.WriteAsync(new() { Header = new() { Parent = "projects/own", ImageId = "gone" } });
            foreach (var chunk in Chunks(Content)) await call.RequestStream.WriteAsync(chunk);
            // It has begun to be written by now.
            await RunningHost.UntilAsync(() => Task.FromResult(Directory.GetFiles(Incoming).Length > 0), "an incoming file");
        }
        await RunningHost.UntilAsync(() => Task.FromResult(Directory.GetFiles(Incoming).Length == 0), "nothing incoming");
        await LeftNothingAsync("gone", before);
    }

    [Fact]
    public async Task ValidateOnly_LeavesNothing_AndWhatIsGood_IsKeptAndComesBack()
    {
        var before = Files();
        var header = new Header
        {
            Parent = "projects/own",
            ImageId = "good",
            SizeBytes = Content.Length,
            Sha256 = Convert.ToHexStringLower(SHA256.HashData(Content)),
            ValidateOnly = true,
        };
        Assert.Equal(StatusCode.OK, (await SendAsync([new() { Header = header }, .. Chunks(Content)])).Code);
        await LeftNothingAsync("good", before);

        // Asked before the content is sent, the header alone counts.
        Assert.Equal(StatusCode.OK, (await SendAsync([new() { Header = header }])).Code);
        await LeftNothingAsync("good", before);

        header.ValidateOnly = false;
        Assert.Equal(StatusCode.InvalidArgument, (await SendAsync([new() { Header = header }])).Code);
        Assert.Equal(StatusCode.OK, (await SendAsync([new() { Header = header }, .. Chunks(Content)])).Code);
        using var stream = new MemoryStream();
        using (var call = Images.DownloadImage(new DownloadImageRequest { Name = "projects/own/images/good" }, host.Headers()))
            await foreach (var part in call.ResponseStream.ReadAllAsync())
                if (part.PartCase == DownloadImageResponse.PartOneofCase.Chunk) part.Chunk.WriteTo(stream);
        Assert.True(stream.ToArray().AsSpan().SequenceEqual(Content));
        Assert.Equal(StatusCode.AlreadyExists, (await SendAsync([new() { Header = header }, .. Chunks(Content)])).Code);
        header.ValidateOnly = true;
        Assert.Equal(StatusCode.AlreadyExists, (await SendAsync([new() { Header = header }])).Code);

        await Images.DeleteImageAsync(new DeleteImageRequest { Name = "projects/own/images/good" }, host.Headers());
        await LeftNothingAsync("good", before);
    }

    string Incoming => Path.Combine(host.Data, "images", "incoming");

    HashSet<string> Files() => [.. Directory.GetFiles(Path.Combine(host.Data, "images", "sha256"))];

    async Task LeftNothingAsync(string id, HashSet<string> before)
    {
        Assert.Empty(Directory.GetFiles(Incoming));
        Assert.Equal(before.Order(), Files().Order());
        var e = await Assert.ThrowsAsync<RpcException>(() => Images.GetImageAsync(
            new GetImageRequest { Name = "projects/own/images/" + id }, host.Headers()).ResponseAsync);
        Assert.Equal(StatusCode.NotFound, e.StatusCode);
    }

    Task<Answer> SendAsync(IEnumerable<UploadImageRequest> messages) => host.Api.CallAsync(
        ImageService.Descriptor.FindMethodByName("UploadImage"), host.Token, [.. messages]);

    static IEnumerable<UploadImageRequest> Chunks(byte[] content) => content.Chunk(100_000)
        .Select(c => new UploadImageRequest { Chunk = ByteString.CopyFrom(c) });
}
