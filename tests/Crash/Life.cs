using System.Security.Cryptography;
using Grpc.Core;
using Monolith.Compute.V1;
using Monolith.Events.V1;
using Monolith.Fleet.Load;
using Monolith.Image.V1;
using Monolith.Simulation.Tests;
using Monolith.Simulation.Tests.Load;
using ImageState = Monolith.Image.V1.Image.Types.State;
using ServerState = Monolith.Compute.V1.Server.Types.State;

namespace Monolith.Crash.Tests;

/// <summary>
/// All that is done to a server, from nothing to nothing:
/// <code>
///   create ─▶ stop ─▶ migrate ─▶ start ─▶ resize ─▶ rebuild ─▶ migrate ─▶ copy its disk ─▶ all agrees ─▶ delete ─▶ nothing is left
/// </code>
/// and an image comes from elsewhere meanwhile.
/// Each is asked for with one request id, until it is answered.
/// </summary>
internal sealed class Life(Scene scene, int number, CancellationToken cancel)
{
    const string Project = "projects/team1";
    static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);

    readonly ServerService.ServerServiceClient servers = new(scene.Invoker);
    readonly ImageService.ImageServiceClient images = new(scene.Invoker);
    readonly string name = $"{Project}/servers/web{number}", image = $"{Project}/images/web{number}", import = $"{Project}/images/import{number}";

    /// <summary>What is waited for.</summary>
    public string Stage { get; private set; } = "";

    public async Task LiveAsync()
    {
        await ImportAsync();
        await CreateAsync();
        await ImportedAsync();
        await DoAsync("stop", ServerState.Stopped, (id, o) => servers.StopServerAsync(new() { Name = name, RequestId = id }, o));
        await MigrateAsync(ServerState.Stopped);
        await DoAsync("start", ServerState.Ready, (id, o) => servers.StartServerAsync(new() { Name = name, RequestId = id }, o));
        await DoAsync("resize", ServerState.Ready, (id, o) => servers.ResizeServerAsync(
            new() { Name = name, Flavor = "flavors/large", RequestId = id }, o));
        await DoAsync("rebuild", ServerState.Ready, (id, o) => servers.RebuildServerAsync(
            new() { Name = name, RequestId = id }, o));
        await MigrateAsync(ServerState.Ready);
        await CopyAsync();
        Stage = "agree";
        await scene.UntilAsync("rows and machines to agree", scene.DifferencesAsync);
        await DeleteAsync();
        Stage = "be gone";
        await scene.UntilAsync("everything to be gone", scene.LeftoversAsync);
        Stage = "be told of";
        await scene.UntilAsync("the audit log to have it all", ToldAsync);
    }

    /// <summary>Each of its changes is in the audit log once, however often it was asked for.</summary>
    async Task<List<string>> ToldAsync()
    {
        var audit = new AuditService.AuditServiceClient(scene.Invoker);
        var entries = (await scene.AskAsync(o => audit.ListAuditEntriesAsync(
            new() { Filter = $"resource = \"{name}\" AND code = 0", PageSize = 1000 }, o))).Entries.Where(e => e.EventType.Length > 0);
        var deeds = entries.Select(e => e.Method[(e.Method.LastIndexOf('/') + 1)..]).ToList();
        string[] expected = ["CreateServer", "StopServer", "MigrateServer", "StartServer", "ResizeServer", "RebuildServer", "MigrateServer", "SnapshotServer",
            "DeleteServer"];
        return deeds.SequenceEqual(expected) ? [] : [$"it was told of {string.Join(", ", deeds)}"];
    }

    static string NewId() => Guid.NewGuid().ToString();

    async Task CreateAsync()
    {
        Stage = "create";
        var request = new CreateServerRequest
        {
            Parent = Project,
            ServerId = $"web{number}",
            RequestId = NewId(),
            Server = new Server { Flavor = Cloud.Flavor, Image = Cloud.Image },
        };
        var made = await scene.AskAsync(o => servers.CreateServerAsync(request, o));
        scene.Known[name] = new Known { Uid = made.Uid };
        await BecomesAsync(ServerState.Ready);
        var again = await scene.AskAsync(o => servers.CreateServerAsync(request, o));
        if (again.Uid != made.Uid) throw new BrokenPromiseException($"{request.RequestId} made {made.Uid} and then {again.Uid}");
    }

    async Task ImportAsync()
    {
        Stage = "import";
        var request = new ImportImageRequest
        {
            Parent = Project,
            ImageId = $"import{number}",
            RequestId = NewId(),
            Url = scene.ImportUrl,
            Sha256 = Convert.ToHexStringLower(SHA256.HashData(Scene.Importable)),
        };
        await scene.AskAsync(o => images.ImportImageAsync(request, o));
    }

    /// <summary>Whole, whoever died while it came.</summary>
    async Task ImportedAsync()
    {
        Stage = "have imported";
        var made = await CompletedAsync(import);
        if (made.State != ImageState.Ready || made.SizeBytes != Scene.Importable.Length)
            throw new BrokenPromiseException($"it is {made}");
        await GoneAsync(o => images.DeleteImageAsync(new() { Name = import }, o));
    }

    async Task<Image.V1.Image> CompletedAsync(string image)
    {
        while (true)
        {
            var made = await scene.AskAsync(o => images.GetImageAsync(new() { Name = image }, o));
            if (!made.Reconciling) return made;
            await Task.Delay(Look, cancel);
        }
    }

    async Task DoAsync(string what, ServerState then, Func<string, CallOptions, AsyncUnaryCall<Server>> ask)
    {
        Stage = what;
        var id = NewId();
        await scene.AskAsync(o => ask(id, o));
        scene.Known[name].Stopped = then == ServerState.Stopped;
        await BecomesAsync(then);
    }

    /// <summary>It keeps its addresses, whether it got there or stays.</summary>
    /// <param name="state">That it has all the way.</param>
    async Task MigrateAsync(ServerState state)
    {
        var before = await GetAsync();
        await DoAsync("migrate", state, (id, o) => servers.MigrateServerAsync(
            new() { Name = name, RequestId = id }, o));
        var after = await GetAsync();
        if (after.Addresses.ToString() != before.Addresses.ToString())
            throw new BrokenPromiseException($"{name} had {before.Addresses} and has {after.Addresses}");
    }

    /// <summary>Its disk becomes an image, which is READY in the end, unless the disk was lost.</summary>
    async Task CopyAsync()
    {
        Stage = "copy";
        var id = NewId();
        await scene.AskAsync(o => servers.SnapshotServerAsync(
            new() { Name = name, ImageId = $"web{number}", RequestId = id }, o));
        var made = await CompletedAsync(image);
        if (made.State != ImageState.Ready && !scene.HaveNodesDied) throw new BrokenPromiseException($"it is {made}");
        await GoneAsync(o => images.DeleteImageAsync(new() { Name = image }, o));
    }

    async Task DeleteAsync()
    {
        Stage = "delete";
        var id = NewId();
        await scene.AskAsync(o => servers.DeleteServerAsync(new() { Name = name, RequestId = id }, o));
        scene.Known[name].Deleted = true;
    }

    // A repeat of a deletion that was done finds nothing.
    async Task GoneAsync<T>(Func<CallOptions, AsyncUnaryCall<T>> delete)
    {
        try
        {
            await scene.AskAsync(delete);
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.NotFound)
        {
        }
    }

    Task<Server> GetAsync() => scene.AskAsync(o => servers.GetServerAsync(new() { Name = name }, o));

    async Task BecomesAsync(ServerState state)
    {
        while (await GetAsync() is var server && (server.Reconciling || server.State != state))
        {
            if (server.State == ServerState.Failed) throw new BrokenPromiseException($"{name} is FAILED: {server.Conditions}");
            await Task.Delay(Look, cancel);
        }
    }
}
