using System.CommandLine;
using CsCheck;
using Monolith.Cli.Completion;
using Monolith.Cli.Tests.Fake;

namespace Monolith.Cli.Tests;

/// <summary>Whatever is typed, the answer is a result, a usage error or a call's error: never a crash.</summary>
public sealed class ArgumentFuzzTests
{
    static readonly string[] Words =
        [.. Everything(new App(new Shell().Around()).Root).Distinct()];

    static readonly Gen<string> Word = Gen.Frequency(
        (6, Gen.Int[0, Words.Length - 1].Select(i => Words[i])),
        (2, Pick.From(
            "web1", "demo/web1", "a=b", "10.0.0.0/8", "tcp:80", "5m", "-1", "", "projects/p/servers/s", "@", "[x]")),
        (1, Gen.String[0, 12]));

    static readonly Gen<string[]> Lines = Word.Array[0, 9];

    static IEnumerable<string> Everything(Command command) =>
        command.Aliases.Append(command.Name)
            .Concat(command.Options.SelectMany(option => option.Aliases.Append(option.Name)))
            .Concat(command.Subcommands.SelectMany(Everything));

    [Fact]
    public void Parsing_NeverThrows()
    {
        using var shell = new Shell();
        shell.Environment["MONOLITH_ENDPOINT"] = "127.0.0.1:1";
        var root = new App(shell.Around()).Root;
        Lines.Sample(line => Assert.NotNull(root.Parse(line, App.Parsing)), iter: 3_000, threads: 1);
    }

    [Fact]
    public async Task Running_GivesADocumentedExitCode()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        // Commands that follow until they are interrupted, become another program, or read standard input; and hosts
        // elsewhere, where only the network's patience would be tested.
        string[] endless = ["watch", "ssh", "join", "-", "--endpoint"];
        await Lines.Where(line => !line.Any(endless.Contains)).SampleAsync(async line =>
        {
            var outcome = await shell.RunAsync([.. line, "--timeout", "2s"]);
            Assert.InRange(outcome.Code, 0, 9);
            Assert.DoesNotContain("Unhandled exception", outcome.Error, StringComparison.Ordinal);
        }, iter: 150, threads: 1);
    }

    [Fact]
    public async Task Completing_NeverThrows()
    {
        using var shell = new Shell();
        shell.Environment["MONOLITH_ENDPOINT"] = "not an endpoint";
        var app = new App(shell.Around());
        await Lines.SampleAsync(
            async line => Assert.NotNull(await Completions.OfAsync(app.Root, app.Names, line, default)),
            iter: 400, threads: 1);
    }
}
