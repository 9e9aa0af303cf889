using Monolith.Simulation.Tests;

namespace Monolith.Crash.Tests;

/// <summary>Who is killed.</summary>
public enum Victim
{
    Host,
    /// <summary>The agents, and their machines with them.</summary>
    Nodes,
}

/// <summary>One life after the other on one scene; on a new one after a life that broke a promise.</summary>
public sealed class Lives : IAsyncDisposable
{
    static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);

    readonly CancellationTokenSource stop = new();
    Scene? scene;
    (long Host, long Nodes)? lengths;
    int count;

    public string Database => scene?.Database ?? "";

    /// <summary>Points of a life in which nobody dies.</summary>
    public async Task<long> LengthAsync(Victim victim)
    {
        if (lengths is null)
        {
            // What is loaded and made once is none of an ordinary life's.
            await LiveAsync(victim, 0);
            await LiveAsync(victim, 0);
            lengths = (scene!.HostPoints.Crossings, scene.NodePoints.Crossings);
        }
        return victim == Victim.Host ? lengths.Value.Host : lengths.Value.Nodes;
    }

    /// <param name="point">That the victim is killed at, from 1; 0: at none.</param>
    /// <returns>Where it died; empty: it lived through.</returns>
    public async Task<string> LiveAsync(Victim victim, long point)
    {
        scene ??= await Scene.StartAsync(stop.Token);
        using var late = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
        late.CancelAfter(Longest);
        scene.Arm(victim == Victim.Host, point, late.Token);
        var life = new Life(scene, ++count, late.Token);
        try
        {
            await life.LiveAsync();
            return scene.Died;
        }
        catch (Exception e)
        {
            throw await BrokenAsync($"{victim} killed at point {point}, {scene.Died}", life.Stage, e);
        }
    }

    /// <summary>Projects are made, filled and purged, and the host is killed again and again meanwhile.</summary>
    /// <returns>Where it died.</returns>
    public async Task<IReadOnlyList<string>> PurgeAsync(Random dice, int kills)
    {
        scene ??= await Scene.StartAsync(stop.Token);
        using var late = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
        late.CancelAfter(Longest);
        scene.Arm(isHost: true, 0, late.Token);
        var purge = new PurgeLife(scene, ++count, dice, kills, late.Token);
        try
        {
            await purge.LiveAsync();
            return purge.Deaths;
        }
        catch (Exception e)
        {
            throw await BrokenAsync($"the host died {purge.Deaths.Count} times", purge.Stage, e);
        }
    }

    async Task<BrokenPromiseException> BrokenAsync(string what, string stage, Exception e)
    {
        var message = $"{what}, on {scene!.Database}; it was to {stage}: {e.Message}\n{e}\n"
            + "--- the host's last words\n" + scene.LastWords();
        message += "\n--- where it is\n" + scene.Picture();
        await scene.DisposeAsync();
        scene = null;
        return new BrokenPromiseException(message);
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        if (scene is not null) await scene.DisposeAsync();
        stop.Dispose();
    }
}
