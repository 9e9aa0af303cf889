using System.CommandLine;
using System.Globalization;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Monolith.Cli.Nouns;
using Monolith.Cli.Output;
using Monolith.Cli.Session;
using Monolith.Cli.Verbs;
using Monolith.Identity.V1;

namespace Monolith.Cli.Commands;

/// <summary><c>quota show</c>, <c>set</c> and <c>explain</c>, of a project or of the cloud's default.</summary>
internal static class QuotaCommands
{
    const string DefaultName = "quotas/default", Unlimited = "unlimited", Inherit = "default";

    /// <summary>For completion; which there are is the host's to say.</summary>
    static readonly string[] Known =
    [
        "addresses", "disk_gib", "image_bytes", "images", "load_balancers", "memory_mib", "networks", "ports",
        "security_groups", "servers", "vcpus", "zones",
    ];

    static readonly Option<bool> Default = new("--default")
    {
        Description = "Of projects that say nothing themselves.",
    };

    static readonly Column[] Usages =
    [
        Column.Of("QUOTA", "quota"),
        new("USAGE", (message, _) => message is QuotaUsage { HasUsage: true } usage ? Number(usage.Usage) : "")
        {
            RightAligned = true,
        },
        new("LIMIT", (message, _) => message is QuotaUsage { Limit: >= 0 } usage ? Number(usage.Limit) : Unlimited)
        {
            RightAligned = true,
        },
        new("FROM", (message, _) => message is QuotaUsage { Inherited: true } ? Inherit : ""),
    ];

    static readonly Column[] Resources =
    [
        Column.Reference("RESOURCE", "resource"), Column.Of("PART", "part"), Column.Number("AMOUNT", "amount"),
    ];

    public static Command Of(App app)
    {
        var command = new Command("quota", "How much a project may have, how much it has, and what counts.");
        command.Aliases.Add("quotas");
        command.Subcommands.Add(Show(app));
        command.Subcommands.Add(Set(app));
        command.Subcommands.Add(Explain(app));
        return command;
    }

    static Command Show(App app)
    {
        var command = new Command("show", "Show every quota: usage and limit.");
        var project = Project(app);
        command.Arguments.Add(project);
        command.Options.Add(Default);
        return app.Does(command, async run =>
        {
            var method = QuotaService.Descriptor.FindMethodByName("GetQuota");
            var request = new GetQuotaRequest { Name = await NameAsync(run, run.Line.GetValue(project)) };
            Write(run, await run.Calls.UnaryAsync<Quota>(method, request, run.Cancel));
            return ExitCode.Done;
        });
    }

    static Command Set(App app)
    {
        var command = new Command("set", "Set limits. What there is already stays, whatever the limit.");
        var words = new Argument<string[]>("[PROJECT] QUOTA=LIMIT")
        {
            Description = "A number, `unlimited`, or `default` for what other projects have.",
            Arity = ArgumentArity.OneOrMore,
        };
        words.CompletionSources.Add(_ => Known.Select(word => new System.CommandLine.Completions.CompletionItem(word + "=")));
        words.CompletionSources.Add(app.NamesOf(() => Catalog.Project));
        command.Arguments.Add(words);
        command.Options.Add(Default);
        Mutation.AddTo(command, waits: false);
        return app.Does(command, async run =>
        {
            var given = run.Line.GetValue(words) ?? [];
            var named = given.Where(word => !word.Contains('=', StringComparison.Ordinal)).ToList();
            if (named.Count > 1 || named.Count == given.Length)
                throw new UsageException("Which limits?", "Say PROJECT servers=100 vcpus=unlimited.");
            var request = new UpdateQuotaRequest
            {
                Quota = new() { Name = await NameAsync(run, named.FirstOrDefault()) },
                UpdateMask = new FieldMask(),
            };
            foreach (var word in given.Except(named))
            {
                var (quota, limit) = (word[..word.IndexOf('=')], word[(word.IndexOf('=') + 1)..]);
                request.UpdateMask.Paths.Add("limits." + quota);
                if (limit != Inherit) request.Quota.Limits[quota] = Limit(quota, limit);
            }
            Mutation.Apply(run, request);
            var method = QuotaService.Descriptor.FindMethodByName("UpdateQuota");
            Write(run, await run.Calls.UnaryAsync<Quota>(method, request, run.Cancel));
            return ExitCode.Done;
        });
    }

    static Command Explain(App app)
    {
        var command = new Command("explain", "List what counts towards a quota, and how much of it each is.");
        var quota = new Argument<string>("QUOTA") { Description = "As `monolith quota show` has it: servers." };
        quota.CompletionSources.Add(Known);
        var project = Project(app);
        command.Arguments.Add(quota);
        command.Arguments.Add(project);
        return app.Does(command, async run =>
        {
            var method = QuotaService.Descriptor.FindMethodByName("ExplainUsage");
            var request = new ExplainUsageRequest
            {
                Name = await NameAsync(run, run.Line.GetValue(project)),
                Quota = run.Line.GetValue(quota)!,
                PageSize = 1_000,
            };
            var all = new ExplainUsageResponse();
            do
            {
                var page = await run.Calls.UnaryAsync<ExplainUsageResponse>(method, request, run.Cancel);
                all.Resources.Add(page.Resources);
                request.PageToken = page.NextPageToken;
            }
            while (request.PageToken.Length > 0);
            if (run.Settings.Output == OutputFormat.Name)
                foreach (var one in all.Resources)
                    run.Around.Out.WriteLine(one.Resource);
            else Printer.Write(run, Resources, [.. all.Resources], all);
            return ExitCode.Done;
        });
    }

    static void Write(Run run, Quota quota)
    {
        if (run.Settings.Output == OutputFormat.Name) run.Around.Out.WriteLine(quota.Name);
        else Printer.Write(run, Usages, [.. quota.Usages.Cast<IMessage>()], quota);
    }

    static Argument<string?> Project(App app)
    {
        var project = new Argument<string?>("PROJECT")
        {
            Description = "Default: the current one.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        project.CompletionSources.Add(app.NamesOf(() => Catalog.Project));
        return project;
    }

    static async Task<string> NameAsync(Run run, string? project)
    {
        var isDefault = run.Line.CommandResult.Command.Options.Contains(Default) && run.Line.GetValue(Default);
        if (isDefault && project is not null)
            throw new UsageException("Of a project or of the default?", "Say PROJECT or --default, not both.");
        if (isDefault) return DefaultName;
        return (project is null ? "projects/" + await run.ProjectAsync() : Names.Expand(Catalog.Project, project, ""))
            + "/quota";
    }

    /// <summary>A number, <c>unlimited</c>, or a size of what is measured in one.</summary>
    static long Limit(string quota, string text)
    {
        if (text == Unlimited) return -1;
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return number;
        return quota switch
        {
            "memory_mib" => Sizes.Parse(text, 1L << 20),
            "disk_gib" => Sizes.Parse(text, 1L << 30),
            "image_bytes" => Sizes.Parse(text, 1),
            _ => throw new UsageException($"'{text}' is no limit.",
                $"Write {quota}=100, {quota}=unlimited or {quota}=default."),
        };
    }

    static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
