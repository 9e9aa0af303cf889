using System.Globalization;
using Monolith.Compute.Servers;
using Monolith.Compute.Servers.Ports;
using Monolith.Compute.V1;

namespace Monolith.Compute.LiveMigration;

/// <summary>What is to be done next for a hypervisor that is drained.</summary>
/// <param name="Go">Servers that go now.</param>
/// <param name="Left">How many are there still, those on their way included.</param>
/// <param name="Message">How far it is.</param>
internal sealed record DrainStep(IReadOnlyList<ServerRow> Go, int Left, string Message);

/// <summary>Which servers leave a hypervisor, and when. Pure.</summary>
internal static class Drain
{
    /// <summary>More would share one machine's way out, and each would take longer.</summary>
    public const int AtOnce = 2;

    /// <summary>Until a server that could not go is tried again.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromMinutes(1);

    const int Named = 5;

    /// <param name="hypervisor">By its id.</param>
    /// <param name="there">Servers whose vm it has.</param>
    /// <param name="halves">Of how many others it has what they left, or what is to come.</param>
    public static DrainStep Next(string hypervisor, IReadOnlyList<ServerRow> there, int halves, DateTime now)
    {
        var moving = there.Count(s => s.IsMigrating);
        var left = there.Count + halves;
        // The largest first: small ones fill what gaps they leave, while the other order strands large ones.
        var ready = there.Where(s => !s.IsMigrating && Obstacle(s) is null).OrderByDescending(s => s.MemoryMib)
            .ThenByDescending(s => s.Vcpus).ThenBy(s => s.Name, StringComparer.Ordinal).ToList();
        var failed = ready.Where(s => FailedHere(s, hypervisor)).ToList();
        var go = ready.Where(s => !FailedHere(s, hypervisor) || now - s.Migration!.StateTime >= Pause)
            .Take(Math.Max(0, AtOnce - moving)).ToList();
        var stuck = there.Where(s => !s.IsMigrating && !s.Deleting && Obstacle(s) is not null)
            .Select(s => $"{s.Name} {Obstacle(s)}")
            .Concat(failed.Select(s => $"{s.Name}: {s.Migration!.Message}")).Order(StringComparer.Ordinal).ToList();
        var message = string.Create(CultureInfo.InvariantCulture, $"{left} left, {moving + go.Count + halves} on their way.");
        if (stuck.Count > 0)
            message += $" {stuck.Count} cannot go: {string.Join("; ", stuck.Take(Named))}{(stuck.Count > Named ? "; …" : "")}";
        return new(go, left, left == 0 ? "Nothing is left." : message);
    }

    /// <summary>What <see cref="MigrationRules"/> would say to it; null: nothing.</summary>
    static string? Obstacle(ServerRow server) => server switch
    {
        not { State: Server.Types.State.Ready or Server.Types.State.Stopped, Deleting: false, ExpireTime: null } =>
            "is " + server.State.ToString().ToUpperInvariant(),
        { Hypervisor: "" } => "is made anew elsewhere",
        { Detail.Rescue: not null } => "is rescued",
        _ when server.Detail.IsChanging() => "has a port that comes or goes",
        _ => null,
    };

    static bool FailedHere(ServerRow server, string hypervisor) =>
        server.Migration is { State: Migration.Types.State.Failed } migration && migration.Source == hypervisor;
}
