using System.Globalization;
using System.Text.Json.Nodes;
using Monolith.Cli.Session;

namespace Monolith.Cli.Nouns;

/// <summary>
/// Amounts of memory and disk as people write them. Units are powers of two, with or without <c>iB</c>.
/// </summary>
internal static class Sizes
{
    public static ValueTask<JsonNode?> Mib(Run run, string text) => Whole(text, 1L << 20);

    public static ValueTask<JsonNode?> Gib(Run run, string text) => Whole(text, 1L << 30);

    static ValueTask<JsonNode?> Whole(string text, long unit) =>
        ValueTask.FromResult<JsonNode?>(Parse(text, unit).ToString(CultureInfo.InvariantCulture));

    /// <returns>How many of <paramref name="unit"/>, which is also what a number alone means.</returns>
    /// <exception cref="UsageException">Not a size, or not a whole number of the unit.</exception>
    public static long Parse(string text, long unit)
    {
        var letters = text.TrimStart("0123456789.".ToCharArray());
        var scale = letters.ToUpperInvariant() switch
        {
            "" => unit,
            "B" => 1,
            "K" or "KIB" => 1L << 10,
            "M" or "MIB" => 1L << 20,
            "G" or "GIB" => 1L << 30,
            "T" or "TIB" => 1L << 40,
            _ => 0,
        };
        if (scale > 0 && decimal.TryParse(text[..^letters.Length], NumberStyles.AllowDecimalPoint,
            CultureInfo.InvariantCulture, out var number) && number < 1_000_000_000_000)
        {
            var units = number * scale / unit;
            if (units == Math.Floor(units))
                return (long)units;
        }
        throw new UsageException($"'{text}' is not a size.",
            $"Write a whole number of {(unit == 1L << 20 ? "MiB" : "GiB")}, or one with a unit: 512MiB, 2GiB.");
    }
}
