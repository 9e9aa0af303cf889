using System.CommandLine;
using Google.Protobuf.WellKnownTypes;
using Monolith.Cli.Output;
using Monolith.Cli.Session;
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
            Column.Name, Column.State(), Column.Of("SCHEDULABLE", "schedulable"), Column.Of("DRAINING", "draining"), Column.Of("MAINTENANCE", "maintenance"),
            Column.Number("SERVERS", "server_count"),
            Used("VCPUS", "vcpus"), Used("MEMORY MIB", "memory_mib"), Used("DISK GIB", "disk_gib"),
            Column.Of("ZONE", "availability_zone"), Column.Of("AGENT", "agent_version"), Column.Age,
        ],
        Fields =
        [
            Fields.Labels,
            new("--trait", "traits", "What kind of machine it is, for flavors that ask: ssd, gpu-a100; empty for none.")
            {
                Mutable = true, Value = "TRAIT",
            },
            new("--vcpu-ratio", "vcpu_ratio", "vCPUs that are given out for each processor: 0.1 to 64.")
            {
                Mutable = true, Value = "RATIO",
            },
            new("--reserve-memory", "reserved_memory_mib", "Memory that servers do not get: 4GiB.")
            {
                Mutable = true, Value = "SIZE", Parse = Sizes.Mib,
            },
            new("--reserve-disk", "reserved_disk_gib", "Disk that servers do not get: 20GiB.")
            {
                Mutable = true, Value = "SIZE", Parse = Sizes.Gib,
            },
        ],
        Extra = (noun, app) =>
        [
            Schedule(noun, app, "enable", "Let new servers be placed there.", true),
            Schedule(noun, app, "disable", "Place no new servers there; those that run stay.", false),
            HypervisorCare.Drain(noun, app),
            HypervisorCare.Evacuate(noun, app),
            HypervisorCare.Maintain(noun, app),
            WhatIf(noun, app),
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

    static readonly Column[] Fates =
    [
        Column.Reference("SERVER", "server"), Column.Reference("FROM", "source"), Column.Reference("TO", "target"),
        Column.Of("WHY NOWHERE", "message"),
    ];

    static Command WhatIf(Noun noun, App app)
    {
        var command = new Command("what-if",
            "Where the servers would go if hypervisors went away together. Changes nothing; ends with 1 if one has no room.");
        var names = new Argument<string[]>("NAME")
        {
            Description = "Hypervisors that go away.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        names.CompletionSources.Add(app.NamesOf(() => noun));
        command.Arguments.Add(names);
        command.Options.Add(List.Filter);
        return app.Does(command, async run =>
        {
            var named = run.Line.GetValue(names) ?? [];
            var filter = run.Line.GetValue(List.Filter) ?? "";
            if (named.Length > 0 == filter.Length > 0)
                throw new UsageException("Which hypervisors?", "Name some, or say --filter 'labels.rack = \"r7\"'.");
            var full = new List<string>();
            foreach (var name in named) full.Add($"name = \"{await run.ExpandAsync(noun, name)}\"");
            var plan = await run.Calls.UnaryAsync<PlanEvacuationResponse>(
                noun.Service.FindMethodByName("PlanEvacuation"),
                new PlanEvacuationRequest { Filter = filter.Length > 0 ? filter : string.Join(" OR ", full) }, run.Cancel);
            Printer.Write(run, Fates, [.. plan.Stranded, .. plan.Moves], plan);
            return plan.Stranded.Count == 0 ? ExitCode.Done : ExitCode.Failed;
        });
    }
}
