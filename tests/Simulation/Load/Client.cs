using System.Globalization;
using Grpc.Core;
using Monolith.Compute.V1;
using Monolith.Simulation.Tests.Wire;
using Monolith.Simulation.Tests.World;

namespace Monolith.Simulation.Tests.Load;

/// <summary>
/// A tenant's program: creates, stops, starts, restarts and deletes servers as its dice say, one after another. It
/// repeats with the same <c>request_id</c> until it has an answer, and remembers what it was told.
/// </summary>
internal sealed class Client(Process process, WireInvoker invoker, Trace trace, Random dice, string project)
{
    const int Names = 5;
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    static readonly TimeSpan Bound = TimeSpan.FromMinutes(5);

    readonly ServerService.ServerServiceClient servers = new(invoker);
    readonly Dictionary<string, Known> known = new(StringComparer.Ordinal);
    bool stopping;

    public string Project { get; } = project;

    public WireInvoker Invoker => invoker;

    /// <summary>By name.</summary>
    public IReadOnlyDictionary<string, Known> Servers => known;

    public int Answers { get; private set; }

    public bool IsDone { get; private set; }

    public void Start() => process.Start(async () =>
    {
        while (!stopping)
        {
            await Task.Delay(TimeSpan.FromSeconds(dice.NextDouble() * 2), process.Time);
            await ActAsync();
        }
        IsDone = true;
    });

    /// <summary>Ends after what is under way.</summary>
    public void Stop() => stopping = true;

    async Task ActAsync()
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"projects/{Project}/servers/web{dice.Next(Names)}");
        var there = known.GetValueOrDefault(name) is { Deleted: false } server ? server : null;
        if (there is null)
        {
            await CreateAsync(name);
            return;
        }
        switch (dice.Next(6))
        {
            case 0 or 1:
                await DeleteAsync(name, there);
                break;
            case 2:
                await StopAsync(name, hard: dice.Next(2) == 0);
                break;
            case 3:
                await StartAsync(name);
                break;
            case 4:
                var hard = dice.Next(2) == 0;
                await ChangeAsync(there, stopped: false, (id, options) => servers.RestartServerAsync(
                    new RestartServerRequest { Name = name, RequestId = id, Hard = hard }, options), "restart " + name);
                break;
            default:
                await GetAsync(name);
                break;
        }
    }

    public Task StopAsync(string name, bool hard = false) => ChangeAsync(known[name], stopped: true,
        (id, options) => servers.StopServerAsync(
            new StopServerRequest { Name = name, RequestId = id, Hard = hard }, options), "stop " + name);

    public Task StartAsync(string name) => ChangeAsync(known[name], stopped: false,
        (id, options) => servers.StartServerAsync(
            new StartServerRequest { Name = name, RequestId = id }, options), "start " + name);

    /// <summary>Asks for something that changes nothing of what is remembered.</summary>
    public Task AskAsync(string what,
        Func<ServerService.ServerServiceClient, string, CallOptions, AsyncUnaryCall<Server>> ask)
    {
        var id = NewId();
        return CallAsync(what, options => ask(servers, id, options));
    }

    /// <inheritdoc cref="AskAsync"/>
    public Task AskImageAsync(string what,
        Func<ServerService.ServerServiceClient, string, CallOptions, AsyncUnaryCall<Image.V1.Image>> ask)
    {
        var id = NewId();
        return CallAsync(what, options => ask(servers, id, options));
    }

    public Task<Server?> GetAsync(string name) => CallAsync("get " + name,
        options => servers.GetServerAsync(new GetServerRequest { Name = name }, options));

    /// <summary>Asks until the server is there.</summary>
    public async Task<Server> StateAsync(string name, Server.Types.State state)
    {
        var deadline = process.Time.GetUtcNow() + Bound;
        while (true)
        {
            if (await GetAsync(name) is { Reconciling: false } server && server.State == state) return server;
            if (process.Time.GetUtcNow() > deadline)
                throw new BrokenPromiseException($"{name} is not {state} in {Bound}");
            await Task.Delay(TimeSpan.FromSeconds(1), process.Time);
        }
    }

    public async Task CreateAsync(string name)
    {
        var request = new CreateServerRequest
        {
            Parent = "projects/" + Project,
            ServerId = name[(name.LastIndexOf('/') + 1)..],
            RequestId = NewId(),
            Server = new Server { Flavor = "flavors/small", Image = $"projects/{Project}/images/blank" },
        };
        var made = await CallAsync("create " + name, options => servers.CreateServerAsync(request, options));
        // Refused: the name's last server may not be gone yet, or nothing fits.
        if (made is null) return;
        known[name] = new Known { Uid = made.Uid };
        if (dice.Next(4) > 0) return;
        var again = await CallAsync("create again " + name, options => servers.CreateServerAsync(request, options));
        if (again?.Uid != made.Uid)
            throw new BrokenPromiseException($"request {request.RequestId} made {made.Uid} and then {again?.Uid}");
    }

    /// <summary>Deletes, and leaves the rest to the cloud.</summary>
    public async Task DeleteAsync(string name, Known server)
    {
        var id = NewId();
        await CallAsync("delete " + name, options => servers.DeleteServerAsync(
            new DeleteServerRequest { Name = name, RequestId = id }, options));
        server.Deleted = true;
    }

    async Task ChangeAsync(Known server, bool stopped, Func<string, CallOptions, AsyncUnaryCall<Server>> change,
        string what)
    {
        var id = NewId();
        if (await CallAsync(what, options => change(id, options)) is not null) server.Stopped = stopped;
    }

    /// <summary>Until there is an answer; null when that is a refusal.</summary>
    public async Task<T?> CallAsync<T>(string what, Func<CallOptions, AsyncUnaryCall<T>> call) where T : class
    {
        for (var attempt = 1; ; attempt++)
        {
            using var patience = new CancellationTokenSource(Patience, process.Time);
            try
            {
                var answer = await call(new CallOptions(cancellationToken: patience.Token));
                trace.Say($"{process.Name} {what}: done at attempt {attempt}");
                Answers++;
                return answer;
            }
            catch (RpcException e) when (e.StatusCode is StatusCode.Unavailable or StatusCode.Cancelled
                or StatusCode.Aborted or StatusCode.ResourceExhausted)
            {
                await Task.Delay(TimeSpan.FromSeconds(Math.Min(attempt, 5) * dice.NextDouble()), process.Time);
            }
            catch (RpcException e)
            {
                if (e.StatusCode is StatusCode.Internal or StatusCode.Unknown)
                    throw new BrokenPromiseException($"{what} was answered by {e.Status}");
                trace.Say($"{process.Name} {what}: {e.StatusCode}");
                trace.Whisper(e.Status.Detail);
                Answers++;
                return null;
            }
        }
    }

    string NewId()
    {
        Span<byte> bytes = stackalloc byte[16];
        dice.NextBytes(bytes);
        return new Guid(bytes).ToString();
    }
}
