using System.Text;

namespace Monolith.Events.Audit;

/// <summary>What a request said may be long, and may be no text that a database takes.</summary>
internal static class AuditText
{
    const int Longest = 300;

    /// <summary>The first 300 characters, with a mark for what cannot be kept.</summary>
    public static string Limit(string text)
    {
        var cut = text.Length > Longest;
        if (!cut && !text.Any(c => char.IsControl(c) || char.IsSurrogate(c))) return text;
        var kept = new StringBuilder();
        foreach (var rune in text.EnumerateRunes())
        {
            if (kept.Length + 2 > Longest) break;
            kept.Append(Rune.IsControl(rune) ? Rune.ReplacementChar.ToString() : rune.ToString());
        }
        return cut ? kept.Append('…').ToString() : kept.ToString();
    }
}
