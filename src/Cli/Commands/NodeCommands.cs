using System.CommandLine;
using Google.Protobuf.WellKnownTypes;
using Monolith.Cli.Output;
using Monolith.Cli.Session;
using Monolith.Cli.Verbs;
using Monolith.Identity.V1;

namespace Monolith.Cli.Commands;

/// <summary><c>node token NAME --role hypervisor</c>: the token by which a machine joins.</summary>
internal static class NodeCommands
{
    public static Command Token(App app)
    {
        var command = new Command("token", "Make a one-use token by which the machine of that name can join.");
        var name = new Argument<string>("NODE") { Description = "The machine's name." };
        var role = new Option<string>("--role")
        {
            Description = "hypervisor or load-balancer.",
            Required = true,
            HelpName = "ROLE",
        };
        role.AcceptOnlyFromAmong("hypervisor", "load-balancer");
        var life = new Option<string?>("--ttl")
        {
            Description = "How long it may be used. Default 1h, at most 7d.",
            HelpName = "TIME",
        };
        command.Arguments.Add(name);
        command.Options.Add(role);
        command.Options.Add(life);
        Mutation.AddTo(command, waits: false);
        return app.Does(command, async run =>
        {
            var request = new CreateJoinTokenRequest
            {
                NodeId = run.Line.GetValue(name)!,
                Role = run.Line.GetValue(role) == "hypervisor" ? NodeRole.Hypervisor : NodeRole.LoadBalancer,
                Ttl = run.Line.GetValue(life) is { } ttl ? Duration.FromTimeSpan(Settings.ParseSpan(ttl)) : null,
            };
            Mutation.Apply(run, request);
            var made = await run.Calls.UnaryAsync<CreateJoinTokenResponse>(
                TokenService.Descriptor.FindMethodByName("CreateJoinToken"), request, run.Cancel);
            Printer.Write(run, made, () =>
            {
                run.Around.Error.WriteLine("On that machine: monolith agent join --host HOST:PORT --token TOKEN");
                run.Around.Out.WriteLine(made.Token);
            });
            return ExitCode.Done;
        });
    }
}
