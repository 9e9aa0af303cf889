using System.Text;

namespace Monolith.Cli.Session;

/// <summary>Something that nobody reads over a shoulder: typed without an echo, or the first line of standard input.</summary>
internal static class Secret
{
    const int Longest = 4_096;
    const int Interrupt = 3, End = 4, Backspace = 8, Newline = 10, Return = 13, KillLine = 21, Delete = 127;

    /// <exception cref="UsageException">Nothing was given.</exception>
    public static string Read(Surroundings around, string prompt) => Required(around.RawInput is null ? Given(around)[0] : Typed(around, prompt));

    /// <summary>A new one, and the one before where that is asked for. Typed twice, so that a slip is no surprise later; or lines of
    /// standard input: the new one, or the one before and the new one.</summary>
    public static (string Before, string New) ReadNew(Surroundings around, string prompt, string? promptBefore)
    {
        if (around.RawInput is null)
            return Given(around) is var lines && lines.Length > 1 ? (lines[0], Required(lines[1])) : ("", Required(lines[0]));
        var shown = promptBefore is null ? "" : Typed(around, promptBefore);
        var secret = Required(Typed(around, prompt));
        return Typed(around, "Once more") == secret
            ? (shown, secret)
            : throw new UsageException("The two are not the same.", "Nothing was changed. Try again.");
    }

    static string Typed(Surroundings around, string prompt)
    {
        // Not ours to close: there may be more to ask.
        var input = around.Input();
        around.Error.Write(prompt + ": ");
        using var raw = around.RawInput!();
        var line = Line(input);
        around.Error.Write("\r\n");
        return Text(line);
    }

    static string[] Given(Surroundings around)
    {
        using var input = around.Input();
        var bytes = new byte[Longest];
        return Text(bytes[..input.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false)]).TrimEnd('\n').Split('\n');
    }

    static byte[] Line(Stream input)
    {
        var line = new List<byte>();
        var next = new byte[1];
        while (line.Count < Longest && input.Read(next) == 1)
        {
            switch (next[0])
            {
                case Newline or Return:
                    return [.. line];
                case Interrupt or End:
                    throw new UsageException("Given up.", "Nothing was changed.");
                case Backspace or Delete:
                    // The whole of a character of several bytes.
                    while (line.Count > 0 && (line[^1] & 0xC0) == 0x80) line.RemoveAt(line.Count - 1);
                    if (line.Count > 0) line.RemoveAt(line.Count - 1);
                    break;
                case KillLine:
                    line.Clear();
                    break;
                default:
                    line.Add(next[0]);
                    break;
            }
        }
        return [.. line];
    }

    static string Required(string text) => text.Length > 0
        ? text
        : throw new UsageException("No password was given.", "Type it, or give it on standard input.");

    static string Text(byte[] line)
    {
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(line);
        }
        catch (DecoderFallbackException)
        {
            throw new UsageException("What was given is not text in UTF-8.");
        }
    }
}
