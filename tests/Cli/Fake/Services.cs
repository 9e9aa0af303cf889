using System.Collections.Concurrent;
using System.Security.Cryptography;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Monolith.Api.V1;
using Monolith.Compute.V1;
using Monolith.Identity.V1;
using Monolith.Image.V1;
using Monolith.Network.V1;

namespace Monolith.Cli.Tests.Fake;

/// <summary>
/// One connection's part of a watch: its messages, then an error, an end, or silence until the client leaves.
/// </summary>
internal sealed record Connection(
    IReadOnlyList<WatchServersResponse> Messages, StatusCode? Then = null, bool Ends = false);

internal static class Silence
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Until the client leaves; one that stays is told, so that a test fails and never hangs.</summary>
    public static async Task Async(ServerCallContext context)
    {
        await Task.Delay(Patience, context.CancellationToken);
        throw new RpcException(new Status(StatusCode.DeadlineExceeded, $"The client stayed for {Patience}."));
    }
}

internal sealed class Servers : ServerService.ServerServiceBase
{
    readonly TaskCompletionSource listing = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly TaskCompletionSource watching = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ConcurrentQueue<Connection> Watches { get; } = new();

    public ConcurrentQueue<WatchServersRequest> Watched { get; } = new();

    public ConcurrentQueue<IMessage> Requests { get; } = new();

    public Metadata? LastHeaders { get; private set; }

    public List<Server> Known { get; } = [];

    public List<ServerEvent> Events { get; } = [];

    /// <summary>Refuses every create with this.</summary>
    public RpcException? Refusal { get; set; }

    /// <summary>What a create that is only validated would lead to.</summary>
    public List<Condition> Foreseen { get; } = [];

    public override Task<Server> CreateServer(CreateServerRequest request, ServerCallContext context)
    {
        Requests.Enqueue(request);
        LastHeaders = context.RequestHeaders;
        if (Refusal is not null)
            throw Refusal;
        var server = request.Server.Clone();
        server.Name = $"{request.Parent}/servers/{request.ServerId}";
        server.State = Server.Types.State.Pending;
        server.CreateTime = Timestamp.FromDateTime(DateTime.UtcNow);
        server.ImageWarning = ImageWarning;
        if (request.ValidateOnly) server.Conditions.Add(Foreseen);
        return Task.FromResult(server);
    }

    public override Task<Server> GetServer(GetServerRequest request, ServerCallContext context)
    {
        Requests.Enqueue(request);
        return Task.FromResult(Known.Find(server => server.Name == request.Name)
            ?? throw new RpcException(new Status(StatusCode.NotFound, $"{request.Name} does not exist.")));
    }

    /// <summary>What new servers say of their image.</summary>
    public string ImageWarning { get; set; } = "";

    /// <summary>Lists are asked for and never answered.</summary>
    public bool Silent { get; set; }

    /// <summary>When the first list was asked for.</summary>
    public Task Listing => listing.Task.WaitAsync(TimeSpan.FromSeconds(30));

    public override async Task<ListServersResponse> ListServers(ListServersRequest request, ServerCallContext context)
    {
        Requests.Enqueue(request);
        listing.TrySetResult();
        if (Silent)
            await Silence.Async(context);
        // Pages of two, so that the client must turn them.
        var from = request.PageToken.Length > 0 ? int.Parse(request.PageToken, null) : 0;
        var page = new ListServersResponse { Servers = { Known.Skip(from).Take(Math.Min(request.PageSize, 2)) } };
        if (from + page.Servers.Count < Known.Count)
            page.NextPageToken = $"{from + page.Servers.Count}";
        return page;
    }

    public override Task<Server> DeleteServer(DeleteServerRequest request, ServerCallContext context)
    {
        Requests.Enqueue(request);
        return Task.FromResult(new Server { Name = request.Name, State = Server.Types.State.Deleting });
    }

    public override Task<Server> StopServer(StopServerRequest request, ServerCallContext context)
    {
        Requests.Enqueue(request);
        return Task.FromResult(new Server { Name = request.Name, State = Server.Types.State.Stopping });
    }

    public override Task<Server> AttachServerPort(AttachServerPortRequest request, ServerCallContext context)
    {
        Requests.Enqueue(request);
        return Task.FromResult(new Server { Name = request.Name, State = Server.Types.State.Ready });
    }

    public override Task<Server> DetachServerPort(DetachServerPortRequest request, ServerCallContext context)
    {
        Requests.Enqueue(request);
        return Task.FromResult(new Server { Name = request.Name, State = Server.Types.State.Ready });
    }

    public override Task<Server> RescueServer(RescueServerRequest request, ServerCallContext context)
    {
        Requests.Enqueue(request);
        return Task.FromResult(new Server { Name = request.Name, State = Server.Types.State.Restarting, RescueImage = request.Image });
    }

    public override Task<Server> UnrescueServer(UnrescueServerRequest request, ServerCallContext context)
    {
        Requests.Enqueue(request);
        return Task.FromResult(new Server { Name = request.Name, State = Server.Types.State.Restarting });
    }

    public override Task<Monolith.Image.V1.Image> SnapshotServer(SnapshotServerRequest request, ServerCallContext context)
    {
        Requests.Enqueue(request);
        return Task.FromResult(new Monolith.Image.V1.Image
        {
            Name = $"projects/demo/images/{request.ImageId}",
            State = Monolith.Image.V1.Image.Types.State.Creating,
            SourceServer = request.Name,
        });
    }

    public override Task<ListServerEventsResponse> ListServerEvents(
        ListServerEventsRequest request, ServerCallContext context) =>
        Task.FromResult(new ListServerEventsResponse { Events = { Events } });

    /// <summary>When the first watch was opened.</summary>
    public Task Watching => watching.Task.WaitAsync(TimeSpan.FromSeconds(30));

    public override async Task WatchServers(
        WatchServersRequest request, IServerStreamWriter<WatchServersResponse> stream, ServerCallContext context)
    {
        Watched.Enqueue(request);
        watching.TrySetResult();
        var connection = Watches.TryDequeue(out var scripted) ? scripted : new Connection([]);
        foreach (var message in connection.Messages)
            await stream.WriteAsync(message);
        if (connection.Then is { } code)
            throw new RpcException(new Status(code, "scripted"));
        if (!connection.Ends)
            await Silence.Async(context);
    }
}

internal sealed class Images : ImageService.ImageServiceBase
{
    public UploadImageRequest.Types.Header? Header { get; private set; }

    public byte[] Content { get; set; } = [];

    public List<Monolith.Image.V1.Image> Known { get; } = [];

    /// <summary>Refuses an upload after its header.</summary>
    public StatusCode? Refuses { get; set; }

    public ImportImageRequest? Imported { get; private set; }

    /// <summary>What a watch sees of the import, after each other.</summary>
    public List<Monolith.Image.V1.Image> Course { get; } = [];

    public override Task<Monolith.Image.V1.Image> ImportImage(ImportImageRequest request, ServerCallContext context)
    {
        Imported = request;
        return Task.FromResult(new Monolith.Image.V1.Image
        {
            Name = $"{request.Parent}/images/{request.ImageId}",
            State = Monolith.Image.V1.Image.Types.State.Importing,
        });
    }
    /// <summary>What each watch says, one after the other; then it is silent.</summary>
    public ConcurrentQueue<IReadOnlyList<WatchImagesResponse>> Watches { get; } = new();

    public override async Task WatchImages(
        WatchImagesRequest request, IServerStreamWriter<WatchImagesResponse> stream, ServerCallContext context)
    {
        foreach (var image in Course)
        {
            image.Name = request.Name;
            await stream.WriteAsync(new WatchImagesResponse { Change = ChangeType.Modified, Image = image });
        }
        if (Watches.TryDequeue(out var scripted))
            foreach (var message in scripted)
                await stream.WriteAsync(message);
        await Silence.Async(context);
    }

    public override Task<ListImagesResponse> ListImages(ListImagesRequest request, ServerCallContext context) =>
        Task.FromResult(new ListImagesResponse { Images = { Known } });

    public override async Task<Monolith.Image.V1.Image> UploadImage(
        IAsyncStreamReader<UploadImageRequest> stream, ServerCallContext context)
    {
        await stream.MoveNext();
        Header = stream.Current.Header;
        if (Refuses is { } code)
            throw new RpcException(new Status(code, "refused early"));
        var content = new MemoryStream();
        while (await stream.MoveNext())
            stream.Current.Chunk.WriteTo(content);
        Content = content.ToArray();
        return new Monolith.Image.V1.Image
        {
            Name = $"{Header.Parent}/images/{Header.ImageId}",
            SizeBytes = Content.Length,
            Sha256 = Convert.ToHexStringLower(SHA256.HashData(Content)),
        };
    }

    public override async Task DownloadImage(
        DownloadImageRequest request, IServerStreamWriter<DownloadImageResponse> stream, ServerCallContext context)
    {
        var sum = Convert.ToHexStringLower(SHA256.HashData(Content));
        await stream.WriteAsync(new DownloadImageResponse
        {
            Image = new Monolith.Image.V1.Image { Name = request.Name, SizeBytes = Content.Length, Sha256 = sum },
        });
        foreach (var chunk in Content.Skip((int)request.Offset).Chunk(1 << 16))
            await stream.WriteAsync(new DownloadImageResponse { Chunk = ByteString.CopyFrom(chunk) });
    }
}

internal sealed class Groups : SecurityGroupService.SecurityGroupServiceBase
{
    public SecurityGroup Kept { get; private set; } = new() { Name = "projects/demo/securityGroups/web", Etag = "1" };

    /// <summary>Somebody else's edits that come in between a read and a write.</summary>
    public Queue<SecurityRule> Interference { get; } = new();

    public override Task<SecurityGroup> GetSecurityGroup(GetSecurityGroupRequest request, ServerCallContext context)
    {
        var read = Kept.Clone();
        if (Interference.TryDequeue(out var rule))
            Write(group => group.Rules.Add(rule));
        return Task.FromResult(read);
    }

    public override Task<SecurityGroup> UpdateSecurityGroup(
        UpdateSecurityGroupRequest request, ServerCallContext context)
    {
        if (request.SecurityGroup.Etag != Kept.Etag)
            throw new RpcException(new Status(StatusCode.Aborted, "The etag does not match."));
        Assert.Equal("rules", Assert.Single(request.UpdateMask.Paths));
        Write(group =>
        {
            group.Rules.Clear();
            group.Rules.Add(request.SecurityGroup.Rules);
        });
        return Task.FromResult(Kept);
    }

    void Write(Action<SecurityGroup> change)
    {
        var next = Kept.Clone();
        change(next);
        next.Etag = $"{int.Parse(Kept.Etag, null) + 1}";
        Kept = next;
    }
}

internal sealed class Quotas : QuotaService.QuotaServiceBase
{
    public ConcurrentQueue<IMessage> Requests { get; } = new();

    public override Task<Quota> GetQuota(GetQuotaRequest request, ServerCallContext context)
    {
        Requests.Enqueue(request);
        return Task.FromResult(Of(request.Name));
    }

    public override Task<Quota> UpdateQuota(UpdateQuotaRequest request, ServerCallContext context)
    {
        Requests.Enqueue(request);
        return Task.FromResult(Of(request.Quota.Name));
    }

    public override Task<ExplainUsageResponse> ExplainUsage(ExplainUsageRequest request, ServerCallContext context)
    {
        Requests.Enqueue(request);
        var first = request.PageToken.Length == 0;
        return Task.FromResult(new ExplainUsageResponse
        {
            Resources =
            {
                new CountedResource
                {
                    Resource = "projects/demo/ports/p" + (first ? 1 : 2),
                    Amount = 1,
                    Part = first ? "10.64.0.1" : "2001:db8::1",
                },
            },
            NextPageToken = first ? "more" : "",
        });
    }

    static Quota Of(string name) => new()
    {
        Name = name,
        Usages =
        {
            new QuotaUsage { Quota = "servers", Limit = 100, Usage = 0 },
            new QuotaUsage { Quota = "memory_mib", Limit = -1, Usage = 512, Inherited = true },
        },
    };
}
