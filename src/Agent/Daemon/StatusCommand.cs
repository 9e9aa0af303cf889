namespace Monolith.Agent.Daemon;

internal static class StatusCommand
{
    public static int Run(IReadOnlyList<string> arguments)
    {
        var state = Arguments.Parse(arguments, "--state").Find("--state") ?? Usage.DefaultState;
        if (!Directory.Exists(state))
        {
            Console.Error.WriteLine(
                $"monolith-agent: there is no {state}: this machine is no node. See monolith-agent --help.");
            return 1;
        }

        using (var free = StateLock.TryTake(state))
        {
            if (free is not null)
            {
                Console.WriteLine("not running. Start it: systemctl start monolith-agent");
                return 1;
            }
        }

        if (StatusFile.Read(state) is not { } status)
        {
            Console.WriteLine("starting");
            return 1;
        }

        Console.WriteLine($"node:    {status.Node} ({status.Role}), agent {status.Version}, pid {status.Pid}");
        Console.WriteLine($"host:    {status.Host}");
        foreach (var stream in status.Streams)
        {
            var word = stream.InSync ? "in sync" : stream.Connected ? "connected" : $"away: {stream.LastFault}";
            Console.WriteLine($"{stream.Concern + ":",-16} {word}");
        }

        foreach (var (kind, count) in status.Items.OrderBy(i => i.Key, StringComparer.Ordinal))
            Console.WriteLine($"{kind + ":",-24} {count}");
        return status.Streams.Count > 0 && status.Streams.All(s => s.InSync) ? 0 : 1;
    }
}
