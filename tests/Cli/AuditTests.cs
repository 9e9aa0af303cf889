using Monolith.Cli.Session;
using Monolith.Cli.Tests.Fake;

namespace Monolith.Cli.Tests;

/// <summary><c>monolith audit</c>: what is proved of a file is proved without the cloud that wrote it.</summary>
public sealed class AuditTests
{
    [Fact]
    public async Task List_IsATable_NewestFirst_OfWhatIsAskedFor()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        var outcome = await shell.RunAsync("audit", "list", "--limit", "3");
        Assert.Equal(
            ["SEQ", "5", "4", "3"], outcome.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Trim().Split(' ')[0]));
        Assert.Contains("nobody known", outcome.Out, StringComparison.Ordinal);
        Assert.Contains("TOKEN_UNKNOWN ×12", outcome.Out, StringComparison.Ordinal);
        Assert.Contains("StopServer", outcome.Out, StringComparison.Ordinal);
        await shell.RunAsync("audit", "list", "-A", "--by", "bob", "--on", "web1", "--refused", "--since", "2026-01-31T12:00:00Z",
            "--filter", "peer = \"192.0.2.1\" OR code = 5");
        var asked = cloud.Trail.Requests.Last();
        Assert.Equal(("", true), (asked.Parent, asked.NewestFirst));
        Assert.Equal("(peer = \"192.0.2.1\" OR code = 5) AND caller = \"users/bob\" AND resource : \"web1\" AND (code = 7 OR code = 16)"
            + " AND time >= \"2026-01-31T12:00:00.0000000Z\"", asked.Filter);
    }

    [Fact]
    public async Task Verify_GoesToTheEnd_AndGivesAnAnchorThatHoldsTheNextTime()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        var outcome = await shell.RunAsync("audit", "verify");
        var anchor = $"5:{Convert.ToHexStringLower(cloud.Trail.Entries[^1].Digest.Span)}";
        Assert.Equal((ExitCode.Done, $"5 entries are as they were written.\nanchor: {anchor}\n"), (outcome.Code, outcome.Out));
        Assert.Equal(ExitCode.Done, (await shell.RunAsync("audit", "verify", "--anchor", anchor)).Code);
        outcome = await shell.RunAsync("audit", "verify", "--anchor", "2:" + new string('0', 64));
        Assert.Equal((ExitCode.Failed, "Entry has another digest.\n"), (outcome.Code, outcome.Error));
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("from the third on", true)]
    [InlineData("changed", false)]
    [InlineData("one is missing", false)]
    [InlineData("cut off", false)]
    public async Task AnExport_IsProvedByItself(string what, bool holds)
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        var lines = (await shell.RunAsync("audit", "export")).Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).ToList();
        Assert.Equal(5, lines.Count);
        var anchor = $"5:{Convert.ToHexStringLower(cloud.Trail.Entries[^1].Digest.Span)}";
        if (what == "from the third on") lines.RemoveRange(0, 2);
        if (what == "changed") lines[3] = lines[3].Replace("192.0.2.7", "192.0.2.8", StringComparison.Ordinal);
        if (what == "one is missing") lines.RemoveAt(2);
        if (what == "cut off") lines.RemoveAt(4);
        await File.WriteAllLinesAsync(shell.FileAt("audit.jsonl"), lines, TestContext.Current.CancellationToken);
        string[] with = what == "cut off" ? ["--anchor", anchor] : [];
        var outcome = await shell.RunAsync(["audit", "verify", "--file", shell.FileAt("audit.jsonl"), .. with]);
        Assert.Equal(holds ? ExitCode.Done : ExitCode.Failed, outcome.Code);
        Assert.Equal(holds, outcome.Out.Contains("anchor: " + anchor, StringComparison.Ordinal));
        // The third joins on to the second, which nobody has seen.
        if (what == "from the third on") Assert.StartsWith("2 entries", outcome.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--anchor", "12")]
    [InlineData("--anchor", "0:00")]
    [InlineData("--file", "/etc/hostname")]
    public async Task WhatIsNoAnchorOrNoExport_IsSaid(string option, string value)
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        Assert.Equal(ExitCode.Usage, (await shell.RunAsync("audit", "verify", option, value)).Code);
    }
}
