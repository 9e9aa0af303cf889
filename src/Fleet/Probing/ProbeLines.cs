using System.Text.Json;

namespace Monolith.Fleet.Probing;

/// <summary>The prober's first line: whom to ask, and how often. Immutable.</summary>
/// <param name="Endpoint"><c>address:port</c> of the API.</param>
internal sealed record ProbeOrder(string Endpoint, string Token, ProbeShape Shape);

/// <summary>What a round found, in milliseconds. Immutable.</summary>
/// <param name="Refused">Calls that ended otherwise than by an answer.</param>
internal sealed record ProbeAnswers(
    IReadOnlyList<float> Gets, IReadOnlyList<float> Lists, IReadOnlyList<float> Watches, int Refused);

/// <summary>
/// What a run and its prober say to each other, a line each.
/// <code>
///   run                                 prober
///    │  {ProbeOrder}  ─────────────────▶ │
///    │ ◀─────────────────────────  ready │  its watches are open, or have not been for 10 s
///    │  +NAME, -  ─────────────────────▶ │  a server came; the oldest went
///    │  ask, rest  ────────────────────▶ │  a round begins, with calls or without
///    │  end  ──────────────────────────▶ │
///    │ ◀──────────────── {ProbeAnswers}  │
///    │  end of input  ─────────────────▶ │  it ends
/// </code>
/// </summary>
internal static class ProbeLines
{
    public const string Ready = "ready", Ask = "ask", Rest = "rest", End = "end", Went = "-";

    const char CameMark = '+';

    public static string Came(string name) => CameMark + name;

    /// <returns>The name of a server that came; null: the line says something else.</returns>
    public static string? NameIn(string line) => line.StartsWith(CameMark) ? line[1..] : null;

    public static string Write<T>(T value) => JsonSerializer.Serialize(value);

    /// <exception cref="FormatException">The line is not such a value.</exception>
    public static T Read<T>(string? line)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(line ?? "null") ?? throw new FormatException("There is nothing to read.");
        }
        catch (JsonException e)
        {
            throw new FormatException(e.Message, e);
        }
    }
}
