using System.CommandLine;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Monolith.Cli.Session;
using Monolith.Cli.Verbs;
using Monolith.Network.V1;

namespace Monolith.Cli.Nouns;

/// <summary>Security groups: the description, and rules as words.</summary>
internal static class SecurityGroupCommands
{
    public static Noun Noun =>
        new("security-group", Place.Project, SecurityGroupService.Descriptor, SecurityGroup.Descriptor)
        {
            About = "What may reach a server, and what it may reach.",
            Aliases = ["sg", "security-groups"],
            Columns =
            [
                Column.Name,
                new("RULES", (message, _) => string.Join(" ", ((SecurityGroup)message).Rules.Select(RuleSyntax.Write))),
                Column.Age,
            ],
            Fields =
            [
                new("--rule", "rules", "Lets in (or, with egress:, out) what matches; on update, all rules anew.")
                {
                    Mutable = true,
                    Value = RuleSyntax.Form,
                    Parse = async (run, text) =>
                        JsonNode.Parse(JsonFormatter.Default.Format(await RuleAsync(run, text))),
                },
                Fields.DisplayName, Fields.Labels,
            ],
            Extra = (noun, app) => [Rule(noun, app)],
        };

    static async ValueTask<SecurityRule> RuleAsync(Run run, string text)
    {
        var rule = RuleSyntax.Read(text, out var group);
        if (group is not null && group.StartsWith(RuleSyntax.SetPrefix, StringComparison.Ordinal))
            rule.RemoteAddressSet = await run.ExpandAsync(Catalog.AddressSet, group[RuleSyntax.SetPrefix.Length..]);
        else if (group is not null)
            rule.RemoteGroup = await run.ExpandAsync(Catalog.SecurityGroup, group);
        return rule;
    }

    static Command Rule(Noun noun, App app)
    {
        var command = new Command("rule", "Add and remove single rules.");
        command.Subcommands.Add(Edits(noun, app, "add", "Add rules.", (group, rules) =>
            group.Rules.Add(rules.Where(rule => !group.Rules.Contains(rule)))));
        var remove = Edits(noun, app, "remove", "Remove rules.", (group, rules) =>
        {
            foreach (var rule in rules)
                if (!group.Rules.Remove(rule))
                    throw new UsageException($"{group.Name} has no rule {RuleSyntax.Write(rule)}.",
                        "Its rules: " + string.Join(" ", group.Rules.Select(RuleSyntax.Write)));
        });
        remove.Aliases.Add("rm");
        command.Subcommands.Add(remove);
        return command;
    }

    static Command Edits(Noun noun, App app, string verb, string about, Action<SecurityGroup, List<SecurityRule>> edit)
    {
        var command = new Command(verb, about);
        var name = NounCommand.Name(noun, app);
        var texts = new Argument<string[]>("RULE") { Description = RuleSyntax.Form, Arity = ArgumentArity.OneOrMore };
        command.Arguments.Add(name);
        command.Arguments.Add(texts);
        Mutation.AddTo(command, waits: false);
        return app.Does(command, async run =>
        {
            var rules = new List<SecurityRule>();
            foreach (var text in run.Line.GetValue(texts)!)
                rules.Add(await RuleAsync(run, text));
            return await Edit.SendAsync<SecurityGroup>(
                run, noun, run.Line.GetValue(name)!, "rules", group => edit(group, rules));
        });
    }
}
