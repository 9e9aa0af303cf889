using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.RegularExpressions;

namespace Monolith.Agent.Tests.Lab;

/// <summary>
/// A network namespace of one test. Its name begins with <c>mt-</c> and is random, so tests run side by side.
/// </summary>
internal sealed partial class TestNamespace : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    public TestNamespace(string role)
    {
        Name = $"mt-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}-{role}";
        Host("ip", "netns", "add", Name);
        Run("ip", "link", "set", "lo", "up");
    }

    public string Name { get; }

    public string Path => $"/run/netns/{Name}";

    /// <summary>Runs a command inside; fails the test when the command fails.</summary>
    /// <returns>Its output alone: ip complains of namespaces that others delete meanwhile, and succeeds.</returns>
    public string Run(params string[] command)
    {
        var (code, output, errors) = Execute("nsenter", Inside(command));
        return code == 0
            ? output
            : throw new InvalidOperationException($"{string.Join(' ', command)}: {code}: {output}{errors}");
    }

    /// <summary>Runs a command inside; returns its code and both outputs.</summary>
    public (int Code, string Output) Try(params string[] command)
    {
        var (code, output, errors) = Execute("nsenter", Inside(command));
        return (code, output + errors);
    }

    /// <summary>Starts a command inside that the caller ends.</summary>
    public Process Start(params string[] command) => Process.Start(Info("nsenter", Inside(command)))!;

    /// <summary>
    /// Links, addresses, routes, permanent neighbours and rules, without what counts packets or time. A link's operational
    /// state (RFC 2863) is left out too: the kernel derives it up to a second after what it follows from.
    /// </summary>
    public string Settings() => string.Join(
        '\n',
        OperationalState.Replace(Run("ip", "-d", "-o", "link"), ""),
        Run("ip", "-o", "addr"),
        Run("ip", "route", "show", "table", "all"),
        Run("ip", "neigh", "show", "nud", "permanent"),
        Run("ip", "-6", "neigh", "show", "nud", "permanent"),
        Run("nft", "-a", "-s", "list", "ruleset"));

    public static void Host(string program, params string[] arguments)
    {
        var (code, output, errors) = Execute(program, arguments);
        if (code != 0)
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {code}: {output}{errors}");
    }

    public void Dispose() => Execute("ip", ["netns", "delete", Name]);

    internal static (int Code, string Output, string Errors) Execute(string program, string[] arguments)
    {
        using var process = Process.Start(Info(program, arguments))!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Deadline))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', arguments)} took over {Deadline}");
        }

        return (process.ExitCode, output.Result, errors.Result);
    }

    [GeneratedRegex(@" state (UP|UNKNOWN)\b")]
    private static partial Regex OperationalState { get; }

    private string[] Inside(string[] command) => [$"--net={Path}", "--", .. command];

    private static ProcessStartInfo Info(string program, string[] arguments) => new(program, arguments)
    {
        RedirectStandardOutput = true,
        RedirectStandardError = true,
        RedirectStandardInput = true,
    };
}
