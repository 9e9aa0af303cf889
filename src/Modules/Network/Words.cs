namespace Monolith.Network;

/// <summary>A list of words (names, addresses) in one column: each between spaces, so that a search is exact.</summary>
internal static class Words
{
    public static string Store(IEnumerable<string> words)
    {
        var text = string.Join(' ', words);
        return text.Length == 0 ? "" : $" {text} ";
    }

    public static string[] Load(string stored) => stored.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>What a column that holds the word contains.</summary>
    public static string Sought(string word) => $" {word} ";
}
