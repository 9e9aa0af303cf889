using System.CommandLine;
using Grpc.Net.Client;
using Monolith.Cli.Api;
using Monolith.Cli.Nouns;
using Monolith.Identity.V1;

namespace Monolith.Cli.Session;

/// <summary>One execution of one command: its settings, its connection, and the names it has resolved.</summary>
internal sealed class Run : IDisposable
{
    readonly GrpcChannel channel;
    string? project;

    public Run(ParseResult line, Surroundings around, CancellationToken cancel)
        : this(line, around, Globals.Settle(line, around), cancel)
    {
    }

    public Run(ParseResult line, Surroundings around, Settings settings, CancellationToken cancel)
    {
        Line = line;
        Around = around;
        Settings = settings;
        Cancel = cancel;
        channel = Connection.Open(settings);
        Calls = new Calls(channel.CreateCallInvoker(), settings, around);
    }

    public ParseResult Line { get; }

    public Surroundings Around { get; }

    public Settings Settings { get; }

    /// <summary>The project when it was needed and found; null before.</summary>
    public string? KnownProject => project;

    public Calls Calls { get; }

    public CancellationToken Cancel { get; }

    /// <summary>The project's id: the one that was asked for, or the only one that the caller can see.</summary>
    /// <exception cref="UsageException">There are none or several to choose from.</exception>
    public async ValueTask<string> ProjectAsync()
    {
        if (this.project is not null)
            return this.project;
        if (Settings.Project is { } given)
            return this.project = given.StartsWith("projects/", StringComparison.Ordinal) ? given[9..] : given;
        var list = ProjectService.Descriptor.FindMethodByName("ListProjects");
        var answer = await Calls.UnaryAsync<ListProjectsResponse>(
            list, new ListProjectsRequest { PageSize = 20 }, Cancel);
        var ids = answer.Projects.Select(project => project.Name["projects/".Length..]).Where(id => id != "system")
            .ToList();
        return ids switch
        {
            [var only] => this.project = only,
            [] => throw new UsageException("You can see no project.",
                "Create one (`monolith project create NAME`), or ask for a role in one."),
            _ => throw new UsageException($"Which project? You can see {string.Join(", ", ids)}.",
                "Say --project NAME, set MONOLITH_PROJECT, or save it: `monolith config save NAME --project NAME`."),
        };
    }

    /// <summary>The full name of a resource that a person wrote in short.</summary>
    public async ValueTask<string> ExpandAsync(Noun noun, string text)
    {
        var given = Parents.GivenTo(Line, noun.Place);
        // `corp/www.A`: a zone of the current project.
        if (noun.Place == Place.Zone && text.Split('/') is [{ Length: > 0 } zone, { Length: > 0 } id])
            return Names.Expand(noun, id, await ExpandAsync(Catalog.Zone, zone));
        if (!Names.NeedsParent(noun, text))
            return Names.Expand(noun, text, "");
        return Names.Expand(noun, text, await ParentAsync(noun, given));
    }

    /// <summary>The resource that a noun's resources lie in: <c>projects/p</c>, or empty.</summary>
    public ValueTask<string> ParentAsync(Noun noun) => ParentAsync(noun, Parents.GivenTo(Line, noun.Place));

    async ValueTask<string> ParentAsync(Noun noun, string? given) => noun.Place switch
    {
        Place.Cloud => "",
        Place.Project => $"projects/{await ProjectAsync()}",
        Place.Zone when given is null => throw new UsageException(
            "Which zone?", "Say --zone NAME; `monolith zone list` shows them."),
        Place.Zone => await ExpandAsync(Catalog.Zone, given),
        Place.Pool when given is null => throw new UsageException(
            "Of which pool?", "Say --pool NAME; `monolith pool list` shows them."),
        Place.Pool => Names.Expand(Catalog.Pool, given, ""),
        Place.User when Line.GetValue(Parents.Account) is not null => await ExpandAsync(Catalog.ServiceAccount, given!),
        Place.User when given is not null => Names.Expand(Catalog.User, given, ""),
        Place.User => (await Calls.UnaryAsync<GetCallerResponse>(
            TokenService.Descriptor.FindMethodByName("GetCaller"), new GetCallerRequest(), Cancel)).Name,
        _ => throw new InvalidOperationException($"{noun.Place} has no parent"),
    };

    public void Dispose() => channel.Dispose();
}
