using System.CommandLine;
using Google.Protobuf;
using Monolith.Cli.Output;
using Monolith.Cli.Session;
using Monolith.Cli.Verbs;
using Monolith.Identity.V1;

namespace Monolith.Cli.Nouns;

/// <summary>Groups: who gets roles together, and who comes and goes.</summary>
internal static class GroupCommands
{
    public static Noun Noun => new("group", Place.Cloud, GroupService.Descriptor, Group.Descriptor)
    {
        About = "Who gets roles together.",
        Aliases = ["groups"],
        Columns =
        [
            Column.Name, Column.Of("DISPLAY NAME", "display_name"),
            new("MEMBERS", (message, _) => ((Group)message).Members.Count.ToString(System.Globalization.CultureInfo.InvariantCulture))
            {
                RightAligned = true,
            },
            Column.Age,
        ],
        Fields =
        [
            new("--member", "members", "A member; on update, all of them anew.")
            {
                Mutable = true, Value = "USER|sa:ACCOUNT", Parse = MemberSyntax.ParseAsync, Completes = MemberSyntax.Completions,
            },
            Fields.DisplayName,
        ],
        Extra = (noun, app) => [Member(noun, app)],
    };

    static Command Member(Noun noun, App app)
    {
        var command = new Command("member", "Add and remove single members.");
        command.Subcommands.Add(Changes(noun, app, "add", "Add members. Who is in it already stays.", "AddGroupMembers", (name, members) =>
            new AddGroupMembersRequest { Name = name, Members = { members } }));
        var remove = Changes(noun, app, "remove", "Remove members: what the group has is theirs no longer.", "RemoveGroupMembers",
            (name, members) => new RemoveGroupMembersRequest { Name = name, Members = { members } });
        remove.Aliases.Add("rm");
        command.Subcommands.Add(remove);
        return command;
    }

    static Command Changes(Noun noun, App app, string verb, string about, string method,
        Func<string, IReadOnlyList<string>, IMessage> request)
    {
        var command = new Command(verb, about);
        var name = NounCommand.Name(noun, app);
        var members = new Argument<string[]>("MEMBER") { Description = "USER or sa:ACCOUNT.", Arity = ArgumentArity.OneOrMore };
        members.CompletionSources.Add(MemberSyntax.Completions(app));
        command.Arguments.Add(name);
        command.Arguments.Add(members);
        Mutation.AddTo(command, waits: false);
        return app.Does(command, async run =>
        {
            var names = new List<string>();
            foreach (var text in run.Line.GetValue(members)!) names.Add(await MemberSyntax.ReadAsync(run, text));
            var change = request(await run.ExpandAsync(noun, run.Line.GetValue(name)!), names);
            Mutation.Apply(run, change);
            var group = await run.Calls.UnaryAsync(noun.Service.FindMethodByName(method), change, run.Cancel);
            Printer.Write(run, noun, group);
            return ExitCode.Done;
        });
    }
}
