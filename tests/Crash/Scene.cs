using System.Diagnostics;
using Grpc.Core;
using Monolith.Agent.Join;
using Monolith.Compute.V1;
using Monolith.Fleet.Hosts;
using Monolith.Fleet.Load;
using Monolith.Identity.V1;
using Monolith.Modules.Tests.Identity.Purge;
using Monolith.Modules.Tests.Images;
using Monolith.Platform.Storage;
using Monolith.Simulation.Tests;
using Monolith.Simulation.Tests.Load;
using Monolith.Simulation.Tests.Promises;

namespace Monolith.Crash.Tests;

/// <summary>
/// A host in a process of its own and the nodes in another. Each dies where its points say, and is started again by
/// whoever finds it dead.
/// </summary>
internal sealed class Scene : IAsyncDisposable
{
    static readonly string[] Names = ["hv1", "hv2", "hv3"];
    static readonly TimeSpan Look = TimeSpan.FromMilliseconds(50), Patience = TimeSpan.FromSeconds(120);
    static readonly TimeSpan CallDeadline = TimeSpan.FromSeconds(30), LastBreath = TimeSpan.FromSeconds(5);

    /// <summary>More than is written between two looks at how far an import is.</summary>
    public static readonly byte[] Importable = MakeImportable();

    readonly string directory;
    readonly string? postgres;
    // Whose connections end with the host that made them.
    readonly HttpSource source = new((asked, answer) => answer.ContentAsync(asked, Importable));
    CancellationToken cancel;
    readonly NodesProcess nodes;
    HostProcess host = null!;
    Cloud cloud = null!;
    bool restarted;

    Scene(CancellationToken cancel)
    {
        this.cancel = cancel;
        directory = Directory.CreateTempSubdirectory("monolith-crash-").FullName;
        var (ofHost, ofNodes) = (Path.Combine(directory, "host.points"), Path.Combine(directory, "nodes.points"));
        (HostPoints, NodePoints) = (new Points(ofHost), new Points(ofNodes));
        // For the host, which inherits it; this process has begun already.
        Environment.SetEnvironmentVariable("DOTNET_STARTUP_HOOKS", typeof(Points).Assembly.Location);
        Environment.SetEnvironmentVariable(Points.Variable, ofHost);
        postgres = PostgresOf(Options);
        nodes = new NodesProcess(ofNodes, directory, Names);
    }

    public Points HostPoints { get; }

    public Points NodePoints { get; }

    /// <summary>Where <see cref="Importable"/> is.</summary>
    public string ImportUrl => source.Url();

    public CallInvoker Invoker => cloud.Invoker;

    public Dictionary<string, Known> Known { get; } = new(StringComparer.Ordinal);

    /// <summary>Where one of them died; empty: neither did.</summary>
    public string Died => HostPoints.Died + NodePoints.Died;

    /// <summary>The machines have lost their power, and their disks, since they were armed.</summary>
    public bool HaveNodesDied => NodePoints.Died.Length > 0;

    public string Database => postgres is null ? "SQLite" : "PostgreSQL";

    // As tests/Servers/with has them.
    static string[] Options => (Environment.GetEnvironmentVariable("MONOLITH_TEST_HOST_OPTIONS") ?? "")
        .Split('\n', StringSplitOptions.RemoveEmptyEntries);

    static string? PostgresOf(string[] options) =>
        Array.IndexOf(options, "--postgres") is >= 0 and var at ? options[at + 1] : null;

    static byte[] MakeImportable()
    {
        var content = new byte[24 << 20];
        new Random(1).NextBytes(content);
        content[0] = 0; // Nothing but a raw disk begins so.
        return content;
    }

    static string HostProgram => Environment.GetEnvironmentVariable("MONOLITH_HOST_PROGRAM") is { Length: > 0 } named
        ? named
        : Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../../..", "bin/Monolith.Host/debug/Monolith.Host.dll"));

    public static async Task<Scene> StartAsync(CancellationToken cancel)
    {
        var scene = new Scene(cancel);
        try
        {
            await scene.StartAsync();
            return scene;
        }
        catch
        {
            await scene.DisposeAsync();
            throw;
        }
    }

    async Task StartAsync()
    {
        host = await HostProcess.StartAsync(new HostShape { Options = Own(Options) }, HostProgram, directory, cancel);
        cloud = new Cloud(host);
        foreach (var name in Names)
        {
            var token = await cloud.JoinTokenAsync(name, NodeRole.Hypervisor, cancel);
            await Enrollment.JoinAsync(host.TlsEndpoint, token, Path.Combine(directory, name), cancel);
        }
        await nodes.StartAsync(cancel);
        await cloud.PrepareAsync(1, cancel);
        await AskAsync(o => new FlavorService.FlavorServiceClient(Invoker).CreateFlavorAsync(new CreateFlavorRequest
        {
            FlavorId = "large",
            Flavor = new Flavor { Vcpus = 2, MemoryMib = 2048, DiskGib = 8 },
        }, o));
        await UntilAsync("the nodes to be up", LeftoversAsync);
    }

    // One scene after the other on a server of databases: each has its own.
    string[] Own(string[] options) =>
        ["--import-allow", "127.0.0.1/32", .. options.Select(o => o == postgres ? OwnPostgres : o)];

    string OwnPostgres => postgres + Path.GetFileName(directory).Replace('-', '_').ToLowerInvariant();

    DatabaseOptions Rows => new(host.Data, postgres is null ? null : OwnPostgres);

    /// <summary>Repeats a call until it is answered, and starts the host that died of it.</summary>
    public async Task<T> AskAsync<T>(Func<CallOptions, AsyncUnaryCall<T>> call)
    {
        while (true)
        {
            try
            {
                // A host answers as well when the nodes are dead: nobody would start those.
                await RestoreAsync();
                return await call(cloud.OptionsWithin(CallDeadline, cancel));
            }
            catch (RpcException e) when (!cancel.IsCancellationRequested)
            {
                if (!await HasDiedAsync(e) && e.StatusCode is not (StatusCode.Unavailable or StatusCode.Aborted
                    or StatusCode.ResourceExhausted or StatusCode.DeadlineExceeded)) throw;
                await Task.Delay(Look, cancel);
            }
        }
    }

    // A broken connection is heard of before the death that broke it.
    async Task<bool> HasDiedAsync(RpcException e)
    {
        var began = Stopwatch.GetTimestamp();
        var suspect = e.StatusCode is StatusCode.Internal or StatusCode.Unknown or StatusCode.Cancelled or StatusCode.Unavailable;
        while (suspect && HostPoints.Died.Length > 0 && !restarted && !host.HasExited
            && Stopwatch.GetElapsedTime(began) < LastBreath) await Task.Delay(Look, cancel);
        return host.HasExited;
    }

    async Task RestoreAsync()
    {
        if (nodes.HasExited) await nodes.StartAsync(cancel);
        if (!host.HasExited) return;
        restarted = true;
        await host.KillAsync();
        await host.StartAsync(cancel);
    }

    /// <summary>Counts anew, and dies anew.</summary>
    /// <param name="within">Cancelled: it has taken too long.</param>
    public void Arm(bool isHost, long number, CancellationToken within)
    {
        (restarted, cancel) = (false, within);
        HostPoints.Arm(isHost ? number : 0);
        NodePoints.Arm(isHost ? 0 : number);
    }

    /// <summary>Promises 1 and 4: within bounded time.</summary>
    public async Task UntilAsync(string what, Func<Task<List<string>>> differences)
    {
        var began = Stopwatch.GetTimestamp();
        while (true)
        {
            await RestoreAsync();
            var found = await differences();
            if (found.Count == 0) return;
            if (Stopwatch.GetElapsedTime(began) > Patience)
                throw new BrokenPromiseException($"Waited {Patience} for {what}:\n  {string.Join("\n  ", found)}");
            await Task.Delay(Look, cancel);
        }
    }

    public async Task<List<string>> DifferencesAsync() =>
        await nodes.FactsAsync(cancel) is { } held ? Differences(held) : ["the nodes are dead"];

    List<string> Differences(IReadOnlyList<NodeFacts> held) =>
        Agreement.Differences(Facts.Read(Rows), held, Known) is { Count: > 0 } found
            ? found
            : EventAgreement.Differences(Rows);

    /// <summary>And what there is at all.</summary>
    public async Task<List<string>> LeftoversAsync()
    {
        if (await nodes.FactsAsync(cancel) is not { } held) return ["the nodes are dead"];
        var facts = Facts.Read(Rows);
        var found = new List<string>();
        if (facts is not { Servers: [], Vms: [], Ports: [], Addresses: [], Records: [], Snapshots: [], Images.Count: 1 })
            found.Add($"{facts.Servers.Count} servers, {facts.Vms.Count} vms, {facts.Ports.Count} ports, "
                + $"{facts.Addresses.Count} addresses, {facts.Records.Count} records, {facts.Snapshots.Count} copies of "
                + $"disks and {facts.Images.Count} images are left");
        if (facts.Hypervisors.Count != Names.Length) found.Add($"{facts.Hypervisors.Count} hypervisors are there");
        found.AddRange(held.Where(n => n.Machines.Count + n.Taps.Count > 0).Select(n => $"{n.Name} is not empty"));
        return found.Count > 0 ? found : Differences(held);
    }

    /// <summary>How many rows speak of a project, by table and column, in every module.</summary>
    public async Task<Dictionary<string, long>> TracesAsync(string project)
    {
        var found = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var module in Facts.Modules(Rows))
            await using (module)
                foreach (var (where, count) in await ProjectTraces.OfAsync(module, project)) found[where] = count;
        return found;
    }

    /// <summary>Where everything is, for people.</summary>
    public string Picture() => string.Join('\n', Agreement.Picture(Facts.Read(Rows)));

    /// <summary>What the host said last.</summary>
    public string LastWords() => File.Exists(host.Log) ? string.Join('\n', File.ReadLines(host.Log).TakeLast(30)) : "";

    public async ValueTask DisposeAsync()
    {
        await nodes.DisposeAsync();
        await source.DisposeAsync();
        cloud?.Dispose();
        if (host is not null) await host.DisposeAsync();
        HostPoints.Dispose();
        NodePoints.Dispose();
        Directory.Delete(directory, recursive: true);
    }
}
