using System.Globalization;
using System.Text.Json.Nodes;
using Monolith.Cli.Session;

namespace Monolith.Cli.Nouns;

/// <summary>Rates as people write them: bits per second, with K, M and G for thousands, as links have it.</summary>
internal static class Rates
{
    public static ValueTask<JsonNode?> Bits(Run run, string text) =>
        ValueTask.FromResult<JsonNode?>(Parse(text).ToString(CultureInfo.InvariantCulture));

    /// <exception cref="UsageException">Not a rate, or not a whole number of bits.</exception>
    public static long Parse(string text)
    {
        var digits = text.TrimEnd("KMGkmg".ToCharArray());
        long scale = text[digits.Length..].ToUpperInvariant() switch
        {
            "" => 1,
            "K" => 1_000,
            "M" => 1_000_000,
            "G" => 1_000_000_000,
            _ => 0,
        };
        if (scale > 0 && decimal.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
            && number < 1_000_000_000 && number * scale == Math.Floor(number * scale))
            return (long)(number * scale);
        throw new UsageException($"'{text}' is not a rate.", "Write bits per second, such as 500K, 100M or 2.5G; 0 is no limit.");
    }
}
