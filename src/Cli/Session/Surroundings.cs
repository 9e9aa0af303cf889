using Microsoft.Win32.SafeHandles;
using Monolith.Cli.Native;

namespace Monolith.Cli.Session;

/// <summary>
/// The process's edges, so that a test can stand in for each: streams, environment, terminal and clock.
/// </summary>
internal sealed class Surroundings
{
    public required TextWriter Out { get; init; }
    public required TextWriter Error { get; init; }
    /// <summary>Standard input, for what is passed on as it is.</summary>
    public Func<Stream> Input { get; init; } = () => Stream.Null;
    /// <summary>Standard output, for bytes that are no text of ours.</summary>
    public Func<Stream> Output { get; init; } = () => Stream.Null;
    /// <summary>Makes standard input raw until that is disposed of; null when it is no terminal.</summary>
    public Func<IDisposable>? RawInput { get; init; }
    /// <summary>An environment variable; null when it is unset or empty.</summary>
    public required Func<string, string?> Variable { get; init; }
    public required string ConfigurationFile { get; init; }
    public TimeProvider Time { get; init; } = TimeProvider.System;
    /// <summary>Standard error is a terminal: progress may be redrawn in place.</summary>
    public bool Interactive { get; init; }
    /// <summary>Columns that fit on a line of standard output.</summary>
    public int Width { get; init; } = 100;
    /// <summary>How standard output may be painted.</summary>
    public Ink Ink { get; init; } = Ink.None;
    /// <summary>How standard error may be painted.</summary>
    public Ink ErrorInk { get; init; } = Ink.None;

    public static Surroundings OfProcess()
    {
        static string? Read(string name) =>
            Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
        var plain = Read("NO_COLOR") is not null || Read("TERM") == "dumb";
        var home = Read("XDG_CONFIG_HOME")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".config");
        return new Surroundings
        {
            Out = Console.Out,
            Error = Console.Error,
            // Of a terminal the runtime's own stream would edit lines, and set the terminal as it likes for that.
            Input = () => Console.IsInputRedirected
                ? Console.OpenStandardInput()
                : new FileStream(new SafeFileHandle(0, ownsHandle: false), FileAccess.Read, bufferSize: 0),
            Output = Console.OpenStandardOutput,
            RawInput = Console.IsInputRedirected ? null : RawTerminal.Enter,
            Variable = Read,
            ConfigurationFile = Path.Combine(home, "monolith", "config.json"),
            Interactive = !Console.IsErrorRedirected && !plain,
            Width = Columns(),
            Ink = Console.IsOutputRedirected || plain ? Ink.None : Ink.Ansi,
            ErrorInk = Console.IsErrorRedirected || plain ? Ink.None : Ink.Ansi,
        };
    }

    static int Columns()
    {
        if (Console.IsOutputRedirected)
            return 120;
        try
        {
            return Math.Max(Console.WindowWidth, 40);
        }
        catch (IOException)
        {
            return 120;
        }
    }
}
