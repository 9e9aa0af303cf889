using System.CommandLine;
using Monolith.Cli.Nouns;

namespace Monolith.Cli.Verbs;

/// <summary>Builds a noun's command from its description.</summary>
internal static class NounCommand
{
    public static Command Of(Noun noun, App app)
    {
        var command = new Command(noun.Word, noun.About);
        foreach (var alias in noun.Aliases)
            command.Aliases.Add(alias);
        foreach (var (verb, make) in new (string, Func<Noun, App, Command>)[]
        {
            ("Create", Create.Of), ("List", List.Of), ("Get", Show.Of), ("Update", Update.Of), ("Delete", Delete.Of),
            ("Watch", Watch.Of),
        })
            if (noun.Does(verb))
                command.Subcommands.Add(make(noun, app));
        foreach (var extra in noun.Extra(noun, app))
            command.Subcommands.Add(extra);
        return command;
    }

    /// <summary>The argument that names an existing resource.</summary>
    public static Argument<string> Name(Noun noun, App app)
    {
        var name = new Argument<string>("NAME") { Description = $"The {noun.Spoken}." };
        name.CompletionSources.Add(app.NamesOf(() => noun));
        return name;
    }
}
