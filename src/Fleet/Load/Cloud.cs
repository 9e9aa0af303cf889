using System.Collections.Concurrent;
using System.Diagnostics;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Grpc.Net.Client;
using Monolith.Compute.V1;
using Monolith.Fleet.Hosts;
using Monolith.Identity.V1;
using Monolith.Image.V1;
using Monolith.Network.V1;

namespace Monolith.Fleet.Load;

/// <summary>
/// The API as a program uses it: one request id for each intent, repeated until it is answered, since a host that was
/// killed has either done it or not.
/// </summary>
internal sealed class Cloud : IDisposable
{
    const string Project = "projects/fleet";
    public const string Image = Project + "/images/blank";
    public const string Flavor = "flavors/fleet";
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    static readonly TimeSpan CallDeadline = TimeSpan.FromSeconds(30);
    readonly GrpcChannel channel;
    readonly Metadata headers;

    public Cloud(HostProcess host) : this(host.Endpoint, host.Token)
    {
    }

    /// <param name="endpoint"><c>address:port</c>.</param>
    public Cloud(string endpoint, string token)
    {
        channel = GrpcChannel.ForAddress($"http://{endpoint}", new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler
            {
                EnableMultipleHttp2Connections = true,
                UseProxy = false,
                PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
                KeepAlivePingDelay = TimeSpan.FromSeconds(20),
            },
            DisposeHttpClient = true,
            InitialReconnectBackoff = TimeSpan.FromMilliseconds(50),
            MaxReconnectBackoff = TimeSpan.FromMilliseconds(200),
            MaxReceiveMessageSize = 64 << 20,
        });
        headers = new Metadata { { "authorization", "Bearer " + token } };
        Servers = new ServerService.ServerServiceClient(channel);
        Tokens = new TokenService.TokenServiceClient(channel);
    }

    public ServerService.ServerServiceClient Servers { get; }

    public TokenService.TokenServiceClient Tokens { get; }

    /// <summary>For clients of other services; calls need <see cref="Options"/>.</summary>
    public CallInvoker Invoker => channel.CreateCallInvoker();

    /// <summary>Calls that failed and were repeated, by status.</summary>
    public ConcurrentDictionary<StatusCode, int> Repeated { get; } = new();

    public CallOptions Options(CancellationToken cancel) => new(headers, cancellationToken: cancel);

    public CallOptions OptionsWithin(TimeSpan deadline, CancellationToken cancel) =>
        new(headers, DateTime.UtcNow + deadline, cancel);

    /// <summary>Repeats a call until it is answered by anything but "not now".</summary>
    public async Task<T> CallAsync<T>(Func<CallOptions, AsyncUnaryCall<T>> call, CancellationToken cancel)
    {
        var began = Stopwatch.GetTimestamp();
        for (var pause = TimeSpan.FromMilliseconds(20); ; pause = pause < TimeSpan.FromSeconds(1) ? pause * 2 : pause)
        {
            try
            {
                return await call(OptionsWithin(CallDeadline, cancel));
            }
            catch (RpcException e) when (!cancel.IsCancellationRequested && Stopwatch.GetElapsedTime(began) < Patience
                && e.StatusCode is StatusCode.Unavailable or StatusCode.ResourceExhausted or StatusCode.DeadlineExceeded
                    or StatusCode.Aborted)
            {
                Repeated.AddOrUpdate(e.StatusCode, 1, (_, n) => n + 1);
                await Task.Delay(pause * (0.5 + Random.Shared.NextDouble()), cancel);
            }
        }
    }

    /// <summary>Asks once; a refusal is an answer.</summary>
    public async Task<T> OnceAsync<T>(Func<CallOptions, AsyncUnaryCall<T>> call, CancellationToken cancel) =>
        await call(OptionsWithin(CallDeadline, cancel));

    /// <summary>Watches the servers of a parent, resumed for ever: all that there are, then every change.</summary>
    /// <param name="pause">After a watch that broke off.</param>
    /// <param name="cancel">Ends it, without an exception.</param>
    public async Task FollowServersAsync(
        string parent, Action<WatchServersResponse> on, TimeSpan pause, CancellationToken cancel)
    {
        var resume = "";
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                using var call = Servers.WatchServers(
                    new WatchServersRequest { Parent = parent, ResumeToken = resume }, Options(cancel));
                await foreach (var message in call.ResponseStream.ReadAllAsync(cancel))
                {
                    if (message.ResumeToken.Length > 0) resume = message.ResumeToken;
                    on(message);
                }
            }
            catch (RpcException e) when (!cancel.IsCancellationRequested)
            {
                // A host that went away knows the token when it is back; any other refusal means that it does not.
                if (e.StatusCode != StatusCode.Unavailable) resume = "";
                await Task.Delay(pause, CancellationToken.None);
            }
            catch (Exception e) when (cancel.IsCancellationRequested && e is RpcException or OperationCanceledException)
            {
                return;
            }
        }
    }

    public async Task<string> JoinTokenAsync(string node, NodeRole role, CancellationToken cancel) =>
        (await CallAsync(o => Tokens.CreateJoinTokenAsync(
            new CreateJoinTokenRequest { NodeId = node, Role = role, Ttl = Duration.FromTimeSpan(TimeSpan.FromHours(1)) },
            o), cancel)).Token;

    /// <summary>Makes what servers need: flavor, pool, image, and projects with a network. May be repeated.</summary>
    public async Task PrepareAsync(int projects, CancellationToken cancel)
    {
        await MadeAsync(o => new FlavorService.FlavorServiceClient(channel).CreateFlavorAsync(new CreateFlavorRequest
        {
            FlavorId = "fleet",
            Flavor = new Flavor { Vcpus = 1, MemoryMib = 1024, DiskGib = 4 },
        }, o), cancel);
        await MadeAsync(o => new AddressPoolService.AddressPoolServiceClient(channel).CreateAddressPoolAsync(
            new CreateAddressPoolRequest
            {
                AddressPoolId = "fleet",
                AddressPool = new AddressPool { Prefixes = { "10.64.0.0/12" }, Purpose = AddressPool.Types.Purpose.Server },
            }, o), cancel);
        await ProjectAsync(Project, cancel);
        await UploadAsync(cancel);
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = cancel };
        await Parallel.ForEachAsync(Enumerable.Range(0, projects), parallel,
            async (i, stop) => await ProjectAsync(ProjectOf(i), stop));
    }

    public static string ProjectOf(int index) => $"projects/team{index + 1}";

    async Task ProjectAsync(string project, CancellationToken cancel)
    {
        await MadeAsync(o => new ProjectService.ProjectServiceClient(channel).CreateProjectAsync(
            new CreateProjectRequest { ProjectId = project["projects/".Length..], Project = new() }, o), cancel);
        await MadeAsync(o => new NetworkService.NetworkServiceClient(channel).CreateNetworkAsync(new CreateNetworkRequest
        {
            Parent = project,
            NetworkId = "default",
            Network = new Network.V1.Network { AddressPools = { "addressPools/fleet" } },
        }, o), cancel);
    }

    async Task UploadAsync(CancellationToken cancel)
    {
        using var call = new ImageService.ImageServiceClient(channel).UploadImage(Options(cancel));
        await call.RequestStream.WriteAsync(new UploadImageRequest
        {
            Header = new UploadImageRequest.Types.Header
            {
                Parent = Project,
                ImageId = "blank",
                Image = new Image.V1.Image { Visibility = Monolith.Image.V1.Image.Types.Visibility.Public },
            },
        }, cancel);
        await call.RequestStream.WriteAsync(
            new UploadImageRequest { Chunk = Google.Protobuf.ByteString.CopyFrom(new byte[64 << 10]) }, cancel);
        await call.RequestStream.CompleteAsync();
        await MadeAsync(call.ResponseAsync);
    }

    Task MadeAsync<T>(Func<CallOptions, AsyncUnaryCall<T>> call, CancellationToken cancel) =>
        MadeAsync(CallAsync(call, cancel));

    static async Task MadeAsync<T>(Task<T> call)
    {
        try
        {
            await call;
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.AlreadyExists)
        {
            // From an earlier run.
        }
    }

    public void Dispose() => channel.Dispose();
}
