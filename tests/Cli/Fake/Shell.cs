using Monolith.Cli.Session;

namespace Monolith.Cli.Tests.Fake;

/// <summary>Runs command lines as a process would, with an environment and a home directory of its own.</summary>
internal sealed class Shell : IDisposable
{
    readonly string home = Directory.CreateTempSubdirectory("monolith-cli-").FullName;

    public Dictionary<string, string> Environment { get; } = [];

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Standard error is a terminal.</summary>
    public bool Interactive { get; init; }

    public string ConfigurationFile => Path.Combine(home, "monolith", "config.json");

    public string FileAt(string name) => Path.Combine(home, name);

    public static Shell Of(Cloud cloud, bool interactive = false, TimeProvider? time = null) => new()
    {
        Interactive = interactive,
        Time = time ?? TimeProvider.System,
        Environment = { ["MONOLITH_ENDPOINT"] = cloud.Endpoint },
    };

    public async Task<Outcome> RunAsync(params string[] arguments)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var app = new App(Around(output, error));
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        var code = await app.RunAsync(arguments, limit.Token);
        return new Outcome(code, output.ToString(), error.ToString());
    }

    public Surroundings Around(TextWriter? output = null, TextWriter? error = null) => new()
    {
        Out = output ?? TextWriter.Null,
        Error = error ?? TextWriter.Null,
        Variable = name => Environment.GetValueOrDefault(name),
        ConfigurationFile = ConfigurationFile,
        Interactive = Interactive,
        Time = Time,
    };

    public void Dispose() => Directory.Delete(home, recursive: true);
}

internal sealed record Outcome(int Code, string Out, string Error);
