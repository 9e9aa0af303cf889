using System.CommandLine.Completions;
using System.Text.Json.Nodes;
using Monolith.Cli.Session;

namespace Monolith.Cli.Nouns;

/// <summary>
/// Who gets a role: <c>bob</c> is a user, <c>group:dev</c> a group, <c>sa:ci</c> a service account of the current project and
/// <c>sa:demo/ci</c> one of another. Full names are taken as well.
/// </summary>
internal static class MemberSyntax
{
    public const string Form = "USER|group:GROUP|sa:ACCOUNT";
    const string Group = "group:", Account = "sa:";

    public static async ValueTask<string> ReadAsync(Run run, string text) => text switch
    {
        _ when text.StartsWith(Group, StringComparison.Ordinal) => await run.ExpandAsync(Catalog.Group, text[Group.Length..]),
        _ when text.StartsWith(Account, StringComparison.Ordinal) => await run.ExpandAsync(Catalog.ServiceAccount, text[Account.Length..]),
        _ when text.StartsWith("groups/", StringComparison.Ordinal) => await run.ExpandAsync(Catalog.Group, text),
        _ when text.StartsWith("projects/", StringComparison.Ordinal) => await run.ExpandAsync(Catalog.ServiceAccount, text),
        _ => await run.ExpandAsync(Catalog.User, text),
    };

    public static async ValueTask<JsonNode?> ParseAsync(Run run, string text) => await ReadAsync(run, text);

    public static string Write(string member, string? project) => member switch
    {
        _ when member.StartsWith("groups/", StringComparison.Ordinal) => Group + Names.Id(member),
        _ when member.StartsWith("projects/", StringComparison.Ordinal) => Account + Names.Short(member, project),
        _ => Names.Short(member, project),
    };

    public static Column Column(string title, string path) => new(title, (message, view) => Api.Messages.Get(message, path) switch
    {
        string member => Write(member, view.Project),
        IEnumerable<string> members => string.Join(",", members.Select(m => Write(m, view.Project))),
        _ => "",
    });

    /// <summary>Users, or after <c>group:</c> and <c>sa:</c> what there is of those.</summary>
    public static Func<CompletionContext, IEnumerable<CompletionItem>> Completions(App app)
    {
        var (users, groups, accounts) =
            (app.NamesOf(() => Catalog.User), app.NamesOf(() => Catalog.Group), app.NamesOf(() => Catalog.ServiceAccount));
        return context => (context.WordToComplete switch
        {
            var word when word.StartsWith(Group, StringComparison.Ordinal) => groups(context).Select(i => Group + i.Label),
            var word when word.StartsWith(Account, StringComparison.Ordinal) => accounts(context).Select(i => Account + i.Label),
            _ => users(context).Select(i => i.Label).Concat([Group, Account]),
        }).Select(text => new CompletionItem(text));
    }
}
