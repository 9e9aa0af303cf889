using Monolith.Agent;
using Monolith.Agent.Daemon;
using Monolith.Agent.Join;
using Monolith.Agent.L7;
using Monolith.Agent.Vms;

const int Done = 0, Failed = 1, Misused = 2, Busy = 3;

try
{
    return args switch
    {
        [] or ["--help" or "-h" or "help", ..] => Say(Usage.Text),
        ["--version" or "version", ..] => Say($"monolith-agent {AgentOptions.ThisVersion}"),
        [_, "--help" or "-h", ..] => Say(Usage.Text),
        ["join", .. var rest] => await JoinCommand.RunAsync(rest),
        ["run", .. var rest] => await RunCommand.RunAsync(rest),
        ["probe", .. var rest] => await ProbeCommand.RunAsync(rest),
        ["status", .. var rest] => StatusCommand.Run(rest),
        _ => throw new UsageException($"'{args[0]}' is not a command"),
    };
}
catch (UsageException e)
{
    Console.Error.WriteLine($"monolith-agent: {e.Message}. See monolith-agent --help.");
    return Misused;
}
catch (StateBusyException e)
{
    Console.Error.WriteLine($"monolith-agent: {e.Message}");
    return Busy;
}
catch (JoinException e)
{
    Console.Error.WriteLine($"monolith-agent: {e.Reason}: {e.Message}");
    return Failed;
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException or VmException or LoadBalancerException)
{
    Console.Error.WriteLine($"monolith-agent: {e.Message}");
    return Failed;
}

static int Say(string text)
{
    Console.WriteLine(text);
    return Done;
}
