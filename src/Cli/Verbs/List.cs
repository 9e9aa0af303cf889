using System.Collections;
using System.CommandLine;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Monolith.Cli.Api;
using Monolith.Cli.Nouns;
using Monolith.Cli.Output;
using Monolith.Cli.Session;

namespace Monolith.Cli.Verbs;

/// <summary><c>list [--filter …] [--limit N]</c>: every page, up to the limit.</summary>
internal static class List
{
    public static readonly Option<string?> Filter = new("--filter", "-f")
    {
        Description = "Only those for which this holds (AIP-160): state = READY AND labels.tier = \"web\".",
        HelpName = "EXPRESSION",
    };

    public static readonly Option<int> Limit = new("--limit")
    {
        Description = "At most this many; 0 for all. Default 1000.",
        HelpName = "N",
        DefaultValueFactory = _ => 1_000,
    };

    static readonly Option<bool> AllProjects = new("--all-projects", "-A")
    {
        Description = "Of every project that you may see.",
    };

    public static Command Of(Noun noun, App app)
    {
        var command = new Command("list", $"List {noun.SpokenSeveral}, one a line.");
        command.Aliases.Add("ls");
        if (noun.Method("List")!.InputType.FindFieldByName("filter") is not null)
            command.Options.Add(Filter);
        command.Options.Add(Limit);
        if (noun.Place == Place.Project)
            command.Options.Add(AllProjects);
        Parents.AddTo(command, noun.Place);
        return app.Does(command, async run =>
        {
            var parent = noun.Place == Place.Project && run.Line.GetValue(AllProjects)
                ? "projects/-"
                : await run.ParentAsync(noun);
            var (resources, all) = await PagesAsync(run, noun.Method("List")!, parent);
            Printer.Write(run, noun, resources, all);
            return ExitCode.Done;
        });
    }

    /// <summary>Reads pages until the limit or the end.</summary>
    /// <returns>The resources, and one response that holds them all.</returns>
    public static async Task<(IReadOnlyList<IMessage> Resources, IMessage All)> PagesAsync(
        Run run, MethodDescriptor method, string parent)
    {
        var limit = run.Line.GetValue(Limit) is > 0 and var given ? given : int.MaxValue;
        var items = method.OutputType.Fields.InDeclarationOrder()
            .First(field => field.IsRepeated && field.FieldType == FieldType.Message);
        IMessage? all = null;
        IList? list = null;
        var token = "";
        do
        {
            var request = Messages.New(method.InputType);
            Messages.Set(request, "parent", parent);
            Messages.Set(request, "page_size", Math.Min(1_000, limit - (list?.Count ?? 0)));
            Messages.Set(request, "page_token", token);
            if (Messages.Has(request, "filter"))
                Messages.Set(request, "filter", run.Line.GetValue(Filter));
            var page = await run.Calls.UnaryAsync(method, request, run.Cancel);
            token = Messages.Text(page, "next_page_token");
            if (all is null || list is null)
            {
                all = page;
                list = (IList)items.Accessor.GetValue(page);
                continue;
            }
            foreach (var item in (IList)items.Accessor.GetValue(page))
                list.Add(item);
            Messages.Set(all, "next_page_token", token);
        }
        while (token.Length > 0 && list!.Count < limit);
        return ([.. list!.Cast<IMessage>()], all!);
    }
}
