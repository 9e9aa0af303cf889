using System.CommandLine.Completions;
using System.Text;
using System.Text.Json.Nodes;
using Monolith.Cli.Session;

namespace Monolith.Cli.Nouns;

/// <summary>Fields and readings that several nouns share.</summary>
internal static class Fields
{
    public static readonly Field DisplayName =
        new("--display-name", "display_name", "A name for people.") { Mutable = true };

    public static readonly Field Labels = new("--label", "labels", "A label; on update, all of them anew.")
    {
        Mutable = true,
        Value = "KEY=VALUE",
        Alias = "-l",
    };

    /// <summary>A zone is a word of the operators', and no resource that others refer to by its name.</summary>
    public static ValueTask<JsonNode?> Zone(Run run, string text)
    {
        const string Collection = "availabilityZones/";
        return ValueTask.FromResult<JsonNode?>(text.StartsWith(Collection, StringComparison.Ordinal) ? text[Collection.Length..] : text);
    }

    /// <summary>A project's name, or that of a resource in one; <c>cloud</c> is the whole cloud, which the API writes as nothing.</summary>
    public static async ValueTask<JsonNode?> Scope(Run run, string text) => text == "cloud" ? ""
        : text.Split('/') is ["projects", _, _, _] or ["domains", _] ? text
        : await run.ExpandAsync(Catalog.Project, text);

    public static Func<CompletionContext, IEnumerable<CompletionItem>> Scopes(App app)
    {
        var projects = app.NamesOf(() => Catalog.Project);
        return context => projects(context).Append(new CompletionItem("cloud")).Append(new CompletionItem("domains/"));
    }

    /// <summary>A public key: the file that holds it, or the line itself.</summary>
    public static async ValueTask<JsonNode?> PublicKey(Run run, string text)
    {
        if (text.Contains(' ', StringComparison.Ordinal) && !File.Exists(text))
            return text;
        var path = text.StartsWith("~/", StringComparison.Ordinal)
            ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), text[2..])
            : text;
        var key = Encoding.UTF8.GetString(await Field.ReadAsync(path)).Trim();
        return key.Contains("PRIVATE KEY", StringComparison.Ordinal)
            ? throw new UsageException($"{text} is a private key.", "Give the public one, which ends in .pub.")
            : (JsonNode?)key;
    }
}
