using Monolith.Agent.Join;

namespace Monolith.Agent.Daemon;

internal static class JoinCommand
{
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        var options = Arguments.Parse(arguments, "--host", "--token", "--state");
        var (host, token) = (options.Required("--host"), options.Required("--token"));
        var state = options.Find("--state") ?? Usage.DefaultState;
        Directory.CreateDirectory(state, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        using var held = StateLock.TryTake(state) ?? throw new StateBusyException(state);
        var identity = await Enrollment.JoinAsync(host, token, state, CancellationToken.None);
        Console.WriteLine($"joined as {identity.Node} ({identity.Role}). Start it: monolith-agent run --state {state}");
        return 0;
    }
}
