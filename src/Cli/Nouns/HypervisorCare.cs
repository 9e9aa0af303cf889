using System.CommandLine;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Monolith.Cli.Output;
using Monolith.Cli.Session;
using Monolith.Cli.Verbs;
using Monolith.Cli.Waiting;
using Monolith.Compute.V1;

namespace Monolith.Cli.Nouns;

/// <summary>What operators do with a machine that is to be worked on, or that died.</summary>
internal static class HypervisorCare
{
    public static Command Drain(Noun noun, App app)
    {
        var command = new Command("drain", "Move every server away, running or stopped, and let none be placed there.");
        var name = NounCommand.Name(noun, app);
        var end = new Option<bool>("--abort") { Description = "End it instead. What is on its way arrives; the rest stays." };
        command.Arguments.Add(name);
        command.Options.Add(end);
        Mutation.AddTo(command, waits: true);
        return app.Does(command, async run =>
        {
            var full = await run.ExpandAsync(noun, run.Line.GetValue(name)!);
            var ends = run.Line.GetValue(end);
            if (ends && run.Line.GetValue(Mutation.Wait))
                throw new UsageException("--abort takes no --wait.", "Leave --wait away.");
            var code = await Update.SendAsync(run, noun, new Hypervisor { Name = full, Draining = !ends },
                new FieldMask { Paths = { "draining" } });
            if (Mutation.Waits(run)) await FollowAsync(run, noun, full, Drained);
            return code;
        });
    }

    public static Command Evacuate(Noun noun, App app)
    {
        var command = new Command("evacuate",
            "Give up a machine that is dead: its servers are made anew elsewhere, from their images, with their addresses. "
            + "What was on its disks is lost to them.");
        var name = NounCommand.Name(noun, app);
        var off = new Option<bool>("--fenced")
        {
            Description = "Your word that the machine is off, and will not come back by itself: a server must not run twice.",
        };
        var end = new Option<bool>("--abort") { Description = "End it instead. What was given up by then is not taken back." };
        command.Arguments.Add(name);
        command.Options.Add(off);
        command.Options.Add(end);
        Mutation.AddTo(command, waits: true);
        return app.Does(command, async run =>
        {
            var full = await run.ExpandAsync(noun, run.Line.GetValue(name)!);
            var ends = run.Line.GetValue(end);
            if (ends && (run.Line.GetValue(Mutation.Wait) || run.Line.GetValue(off)))
                throw new UsageException("--abort takes neither --wait nor --fenced.", "Leave them away.");
            IMessage request = ends
                ? new AbortEvacuationRequest { Name = full }
                : new EvacuateHypervisorRequest { Name = full, Fenced = run.Line.GetValue(off) };
            Mutation.Apply(run, request);
            var method = noun.Service.FindMethodByName(ends ? "AbortEvacuation" : "EvacuateHypervisor");
            Printer.Write(run, noun, await run.Calls.UnaryAsync(method, request, run.Cancel));
            if (Mutation.Waits(run)) await FollowAsync(run, noun, full, Evacuated);
            return ExitCode.Done;
        });
    }

    public static Command Maintain(Noun noun, App app)
    {
        var command = new Command("maintain",
            "Tell why people work on it, and place no server there meanwhile. What runs there stays: drain it as well to empty it.");
        var name = NounCommand.Name(noun, app);
        var why = new Option<string>("--reason") { Description = "What is done there.", HelpName = "WORDS" };
        var end = new Option<bool>("--end") { Description = "The work is done." };
        command.Arguments.Add(name);
        command.Options.Add(why);
        command.Options.Add(end);
        Mutation.AddTo(command, waits: false);
        return app.Does(command, async run =>
        {
            var reason = run.Line.GetValue(why) ?? "";
            if (reason.Length > 0 == run.Line.GetValue(end))
                throw new UsageException("What is done there?", "Say --reason 'new fan', or --end when it is over.");
            return await Update.SendAsync(run, noun,
                new Hypervisor { Name = await run.ExpandAsync(noun, run.Line.GetValue(name)!), Maintenance = reason },
                new FieldMask { Paths = { "maintenance" } });
        });
    }

    /// <param name="What">What becomes of it.</param>
    /// <param name="Said">How far it is.</param>
    /// <param name="IsGivenUp">It ended otherwise.</param>
    sealed record Way(string What, Func<Hypervisor, string> Said, Func<Hypervisor, bool> IsDone, Func<Hypervisor, bool> IsGivenUp);

    static readonly Way Drained = new("drained", h => h.DrainMessage,
        h => h is { Draining: true, DrainLeft: 0, ServerCount: 0 }, h => !h.Draining);

    static readonly Way Evacuated = new("evacuated", h => h.EvacuationMessage,
        h => !h.Evacuating, h => h.State == Hypervisor.Types.State.Up);

    /// <summary>Tells how far it is, a line each time, until it is done.</summary>
    static async Task FollowAsync(Run run, Noun noun, string name, Way way)
    {
        using var limit = new CancellationTokenSource(run.Settings.Timeout, run.Around.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(run.Cancel, limit.Token);
        var said = "";
        try
        {
            await foreach (var change in Changes.FollowAsync(run, noun, "", name, either.Token))
            {
                if (change.Resource is not Hypervisor seen) continue;
                if (way.IsGivenUp(seen))
                    throw new WaitException($"{name} is not {way.What} any more. {way.Said(seen)}".TrimEnd(), ExitCode.WaitedFailed);
                if (way.Said(seen).Length > 0 && way.Said(seen) != said) run.Around.Error.WriteLine(said = way.Said(seen));
                if (way.IsDone(seen)) return;
            }
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !run.Cancel.IsCancellationRequested)
        {
            throw new WaitException($"{name} is not {way.What} yet: {said} It goes on; wait longer with --timeout.",
                ExitCode.WaitedTooLong);
        }
    }
}
