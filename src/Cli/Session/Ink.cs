namespace Monolith.Cli.Session;

/// <summary>Colour, or none. Width is counted on the text before it is painted.</summary>
internal sealed class Ink
{
    public static readonly Ink None = new(false);
    public static readonly Ink Ansi = new(true);
    readonly bool paints;

    Ink(bool paints) => this.paints = paints;

    public string Red(string text) => Paint("31", text);

    public string Green(string text) => Paint("32", text);

    public string Yellow(string text) => Paint("33", text);

    public string Dim(string text) => Paint("2", text);

    public string Bold(string text) => Paint("1", text);

    /// <summary>Paints a state by what it means to the reader.</summary>
    public string State(string state) => state switch
    {
        "READY" or "UP" or "ACTIVE" or "TRUE" or "SUCCEEDED" => Green(state),
        "FAILED" or "DOWN" or "FALSE" => Red(state),
        "PENDING" or "DEGRADED" or "STARTING" or "STOPPING" or "RESTARTING" or "DELETING" or "DRAINING" =>
            Yellow(state),
        _ => state,
    };

    string Paint(string code, string text) => paints && text.Length > 0 ? $"\e[{code}m{text}\e[0m" : text;
}
