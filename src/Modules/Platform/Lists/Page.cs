using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Monolith.Platform.Faults;
using Monolith.Platform.Storage;

namespace Monolith.Platform.Lists;

/// <summary>
/// One page of a list (AIP-158), by key: a page begins after the last key of the one before, so that a page costs the
/// same at any depth and rows that come and go shift nothing.
/// </summary>
/// <param name="Size">Rows wanted.</param>
/// <param name="After">The key of the last row of the page before; empty for the first page.</param>
public readonly record struct Page(int Size, string After, string Fingerprint)
{
    public const int DefaultSize = 100;
    public const int MaxSize = 1000;

    /// <param name="isNumbered">The keys of the list are numbers.</param>
    /// <param name="violations">Gets one for a negative size, and one for a token of another list.</param>
    /// <param name="query">What must not change between pages: parent and filter.</param>
    public static Page Of(int size, string token, bool isNumbered, Violations violations, ReadOnlySpan<string> query)
    {
        violations.Require(size >= 0, "page_size", "must not be negative");
        var fingerprint = Hash(query);
        var after = "";
        if (token.Length > 0 && violations.Require(Decode(token) is { } text
            && text.StartsWith(fingerprint, StringComparison.Ordinal) && !text.Any(char.IsControl)
            && (!isNumbered || text.Length == fingerprint.Length || Number(text[fingerprint.Length..]) is not null),
            "page_token",
            "is not a token of this list; pass the next_page_token of a list with the same parent and filter"))
            after = Decode(token)![fingerprint.Length..];
        return new(size == 0 ? DefaultSize : Math.Min(size, MaxSize), after, fingerprint);
    }

    /// <summary>For lists whose keys are numbers: the last one of the page before, or 0.</summary>
    public long AfterNumber() => Number(After) ?? 0;

    /// <summary>The page's rows by name, and one more when there are more.</summary>
    public IQueryable<TRow> Of<TRow>(IQueryable<TRow> rows) where TRow : ResourceRow
    {
        var after = After;
        return rows.Where(r => string.Compare(r.Name, after) > 0).OrderBy(r => r.Name).Take(Size + 1);
    }

    static long? Number(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>Splits one row more than wanted into the page and its token.</summary>
    public (IReadOnlyList<T> Rows, string NextPageToken) Cut<T>(IReadOnlyList<T> oneMore, Func<T, string> key)
    {
        if (oneMore.Count <= Size) return (oneMore, "");
        var rows = oneMore.Take(Size).ToList();
        return (rows, Base64Url.EncodeToString(Encoding.UTF8.GetBytes(Fingerprint + key(rows[^1]))));
    }

    static string? Decode(string token)
    {
        try
        {
            return Encoding.UTF8.GetString(Base64Url.DecodeFromChars(token));
        }
        catch (FormatException)
        {
            return null;
        }
    }

    static string Hash(ReadOnlySpan<string> query)
    {
        var text = string.Join('\0', query!);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 4)) + ":";
    }
}
