using System.CommandLine;
using System.CommandLine.Parsing;
using CsCheck;
using Monolith.Cli.Manual;
using Monolith.Cli.Session;
using Monolith.Cli.Tests.Fake;

namespace Monolith.Cli.Tests;

public sealed class ManualTests
{
    static IEnumerable<Command> Leaves(Command command) => command.Subcommands.Count == 0
        ? [command]
        : command.Subcommands.Where(sub => !sub.Hidden).SelectMany(Leaves);

    [Fact]
    public void EveryCommand_HasAnExample()
    {
        using var shell = new Shell();
        var root = new App(shell.Around()).Root;
        Assert.All(Leaves(root).Select(App.Path), path => Assert.NotEmpty(Examples.Of(path)));
    }

    [Fact]
    public void EveryExample_IsALineOfItsCommand_ThatIsAccepted()
    {
        using var shell = new Shell();
        var root = new App(shell.Around()).Root;
        foreach (var command in Leaves(root).Append(root))
            foreach (var example in Examples.Of(App.Path(command)))
            {
                var line = example.Replace("source <(", "", StringComparison.Ordinal).TrimEnd(')').Split(" > ")[0];
                Assert.StartsWith(App.Path(command), line, StringComparison.Ordinal);
                // The shell's single quotes are the splitter's double ones.
                var words = CommandLineParser.SplitCommandLine(
                    line.Replace("\"", "", StringComparison.Ordinal).Replace('\'', '"')).Skip(1).ToArray();
                var parsed = root.Parse(words, App.Parsing);
                Assert.True(parsed.Errors.Count == 0, $"{example}: {string.Join(" ", parsed.Errors)}");
            }
    }

    [Fact]
    public async Task Help_OfACommand_ShowsItsOwnOptions_AndExamples()
    {
        using var shell = new Shell();
        var outcome = await shell.RunAsync("lb", "create", "--help");
        Assert.Equal((ExitCode.Done, ""), (outcome.Code, outcome.Error));
        Assert.Contains("  monolith lb create NAME [OPTIONS]", outcome.Out, StringComparison.Ordinal);
        Assert.Contains("--member [POOL=]SERVER|ADDRESS:PORT", outcome.Out, StringComparison.Ordinal);
        Assert.Contains("Examples:\n  monolith lb create front", outcome.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("--endpoint", outcome.Out, StringComparison.Ordinal);
        Assert.Contains("--endpoint HOST:PORT", (await shell.RunAsync("--help")).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_IsForgivingAndNamesWhatIsRequired()
    {
        using var shell = new Shell();
        var outcome = await shell.RunAsync("server", "create", "-h");
        Assert.Equal(ExitCode.Done, outcome.Code);
        Assert.Contains("monolith server create NAME --flavor FLAVOR --image IMAGE", outcome.Out,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Descriptions_AreWrappedBetweenWords() =>
        Gen.Select(Gen.String[Gen.Char.AlphaNumeric, 1, 12].Array[0, 40], Gen.Int[10, 60]).Sample((words, width) =>
        {
            var lines = HelpText.Wrap(string.Join(' ', words), width);
            Assert.Equal(words, lines.SelectMany(line => line.Split(' ')));
            Assert.All(lines, line => Assert.True(line.Length <= Math.Max(width, 12)));
        });

    [Theory]
    [InlineData("There is no `monolith server lst`. Did you mean `monolith server list`?", "server", "lst")]
    [InlineData("There is no `monolith wish`. There are: server, image,", "wish", "list")]
    [InlineData("`monolith lb member` wants a command: list, add, remove, drain, undrain.", "lb", "member")]
    [InlineData("NAME is missing. The new server's id.", "server", "create", "--flavor", "a", "--image", "b")]
    [InlineData("Option '--flavor' is required.", "server", "create", "web1", "--image", "b")]
    public async Task AWrongLine_IsToldInWords(string words, params string[] line)
    {
        using var shell = new Shell();
        var outcome = await shell.RunAsync(line);
        Assert.Equal(ExitCode.Usage, outcome.Code);
        Assert.Contains(words, outcome.Error, StringComparison.Ordinal);
        Assert.Single(outcome.Error.Split('\n'), text => text.StartsWith("error: ", StringComparison.Ordinal));
    }
}
