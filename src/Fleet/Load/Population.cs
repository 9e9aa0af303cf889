using System.Diagnostics;
using Grpc.Core;
using Monolith.Compute.V1;
using Monolith.Fleet.Figures;

namespace Monolith.Fleet.Load;

/// <summary>The servers that the run made, and the two things that are done to them.</summary>
/// <param name="projects">Servers are dealt out to that many.</param>
internal sealed class Population(Cloud cloud, ServerWatch watch, int projects)
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(180);
    readonly Alive alive = new();
    int made;

    public int Count => alive.Count;

    /// <summary>Names of servers that are READY.</summary>
    public Alive Names => alive;

    /// <summary>Creates one server and waits until it is READY.</summary>
    /// <param name="retry">False: a refusal is not repeated, and thrown as it is.</param>
    /// <exception cref="FailedServerException">It became FAILED, or nothing for three minutes.</exception>
    /// <exception cref="RpcException">A refusal, without <paramref name="retry"/>.</exception>
    public async Task CreateAsync(Samples called, Samples ready, CancellationToken cancel, bool retry = true)
    {
        var index = Interlocked.Increment(ref made) - 1;
        var parent = Cloud.ProjectOf(index % projects);
        var name = $"{parent}/servers/s{index + 1}";
        var settled = watch.SettledAsync(name);
        var began = Stopwatch.GetTimestamp();
        var request = new CreateServerRequest
        {
            Parent = parent,
            ServerId = $"s{index + 1}",
            Server = new Server { Flavor = Cloud.Flavor, Image = Cloud.Image },
            RequestId = Guid.NewGuid().ToString(),
        };
        try
        {
            if (retry) await cloud.CallAsync(o => cloud.Servers.CreateServerAsync(request, o), cancel);
            else await cloud.OnceAsync(o => cloud.Servers.CreateServerAsync(request, o), cancel);
            called.Add(Stopwatch.GetElapsedTime(began));
            var server = await settled.WaitAsync(Patience, cancel);
            if (server.State == Server.Types.State.Failed) throw FailedServerException.Of(server);
            ready.Add(Stopwatch.GetElapsedTime(began));
            alive.Add(name);
        }
        catch (TimeoutException e)
        {
            throw new FailedServerException($"{name} is neither READY nor FAILED after {Patience.TotalSeconds:0} s", e);
        }
        catch (RpcException e) when (retry && !cancel.IsCancellationRequested)
        {
            throw new FailedServerException($"{name} was not created: {e.Status.Detail}", e);
        }
        finally
        {
            watch.Forget(name);
        }
    }

    /// <summary>Deletes the oldest and waits until it is gone; nothing when there is none.</summary>
    public async Task DeleteAsync(Samples gone, CancellationToken cancel)
    {
        if (alive.TakeOldest() is not { } name) return;
        var removed = watch.GoneAsync(name);
        var began = Stopwatch.GetTimestamp();
        try
        {
            var request = new DeleteServerRequest { Name = name, RequestId = Guid.NewGuid().ToString() };
            await cloud.CallAsync(o => cloud.Servers.DeleteServerAsync(request, o), cancel);
            await removed.WaitAsync(Patience, cancel);
            gone.Add(Stopwatch.GetElapsedTime(began));
        }
        catch (Exception e) when (e is TimeoutException or RpcException && !cancel.IsCancellationRequested)
        {
            throw new FailedServerException($"{name} was not deleted: {e.Message}", e);
        }
        finally
        {
            watch.Forget(name);
        }
    }
}

/// <summary>A server did not become what it should.</summary>
internal sealed class FailedServerException(string message, Exception? inner = null) : Exception(message, inner)
{
    public static FailedServerException Of(Server server) => new(
        $"{server.Name} is FAILED: " + string.Join("; ", server.Conditions
            .Where(c => c.Status == Api.V1.Condition.Types.Status.False).Select(c => $"{c.Type} {c.Reason} {c.Message}")));
}
