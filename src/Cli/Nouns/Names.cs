using Monolith.Cli.Session;

namespace Monolith.Cli.Nouns;

/// <summary>
/// Short names and full ones. A person may write any of
/// <c>web1</c> (in the current project), <c>demo/web1</c> (in another) and <c>projects/demo/servers/web1</c>.
/// </summary>
internal static class Names
{
    /// <summary>True when the current project, zone, pool or user is needed to tell which resource is meant.</summary>
    public static bool NeedsParent(Noun noun, string text) =>
        noun.Place != Place.Cloud && !text.Contains('/', StringComparison.Ordinal);

    /// <param name="noun">What is named.</param>
    /// <param name="text">As written.</param>
    /// <param name="parent">The full name of what it lies in, used for a bare id only.</param>
    /// <exception cref="UsageException">It cannot be the name of such a resource.</exception>
    public static string Expand(Noun noun, string text, string parent)
    {
        var parts = text.Split('/');
        if (parts.Any(part => part.Length == 0 || part.Any(char.IsWhiteSpace) || part.Any(char.IsControl)))
            throw Wrong(noun, text);
        if (parts.Length == 1)
            return parent.Length == 0 ? $"{noun.Collection}/{text}" : $"{parent}/{noun.Collection}/{text}";
        foreach (var pattern in Patterns(noun))
        {
            if (parts.Length == pattern.Length && Enumerable.Range(0, parts.Length / 2).All(level => parts[level * 2] == pattern[level * 2]))
                return text;
            // Ids alone, one for each level: `demo/web1`, `demo/corp/www.A`.
            if (parts.Length * 2 == pattern.Length)
                return string.Join('/', parts.Select((id, level) => $"{pattern[level * 2]}/{id}"));
        }
        throw Wrong(noun, text);
    }

    /// <summary>The last id of a name: <c>web1</c>.</summary>
    public static string Id(string name) => name[(name.LastIndexOf('/') + 1)..];

    /// <summary>
    /// A name as a table shows it: its ids without the collections; the project only when it is another's.
    /// </summary>
    public static string Short(string name, string? project)
    {
        var parts = name.Split('/');
        if (parts.Length % 2 != 0)
            return name;
        var ids = parts.Where((_, index) => index % 2 == 1).ToList();
        if (ids.Count > 1 && parts[0] == "projects" && (project is null || ids[0] == project))
            ids.RemoveAt(0);
        return string.Join('/', ids);
    }

    /// <summary>No two have as many parts.</summary>
    static string[][] Patterns(Noun noun) => noun.Place switch
    {
        Place.Cloud => [[noun.Collection, "*"]],
        Place.Project => [["projects", "*", noun.Collection, "*"]],
        Place.Zone => [["projects", "*", "zones", "*", noun.Collection, "*"]],
        Place.Pool => [["addressPools", "*", noun.Collection, "*"]],
        _ => [["users", "*", noun.Collection, "*"], ["projects", "*", "serviceAccounts", "*", noun.Collection, "*"]],
    };

    static UsageException Wrong(Noun noun, string text) => new(
        $"'{text}' is not the name of a {noun.Spoken}.",
        $"Write NAME or {string.Join(" or ", Patterns(noun).Select(p => string.Join('/', p))).Replace("*", "NAME", StringComparison.Ordinal)}.");
}
