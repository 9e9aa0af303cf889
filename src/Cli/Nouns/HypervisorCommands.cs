using System.CommandLine;
using Google.Protobuf.WellKnownTypes;
using Monolith.Cli.Verbs;
using Monolith.Compute.V1;

namespace Monolith.Cli.Nouns;

/// <summary>Hypervisors: the description, and enable and disable.</summary>
internal static class HypervisorCommands
{
    public static Noun Noun => new("hypervisor", Place.Cloud, HypervisorService.Descriptor, Hypervisor.Descriptor)
    {
        About = "Machines that run servers.",
        Aliases = ["hypervisors", "hv"],
        Columns =
        [
            Column.Name, Column.State(), Column.Of("SCHEDULABLE", "schedulable"),
            Column.Number("SERVERS", "server_count"),
            Used("VCPUS", "vcpus"), Used("MEMORY MIB", "memory_mib"), Used("DISK GIB", "disk_gib"),
            Column.Of("ZONE", "availability_zone"), Column.Of("AGENT", "agent_version"), Column.Age,
        ],
        Fields = [Fields.Labels],
        Extra = (noun, app) =>
        [
            Schedule(noun, app, "enable", "Let new servers be placed there.", true),
            Schedule(noun, app, "disable", "Place no new servers there; those that run stay.", false),
        ],
    };

    static Column Used(string title, string unit) => new(title, (message, _) =>
        $"{Api.Messages.Get(message, "allocated." + unit) ?? 0}/{Api.Messages.Get(message, "capacity." + unit) ?? 0}")
    {
        RightAligned = true,
    };

    static Command Schedule(Noun noun, App app, string verb, string about, bool schedulable)
    {
        var command = new Command(verb, about);
        var name = NounCommand.Name(noun, app);
        command.Arguments.Add(name);
        Mutation.AddTo(command, waits: false);
        return app.Does(command, async run => await Update.SendAsync(
            run, noun,
            new Hypervisor { Name = await run.ExpandAsync(noun, run.Line.GetValue(name)!), Schedulable = schedulable },
            new FieldMask { Paths = { "schedulable" } }));
    }
}
