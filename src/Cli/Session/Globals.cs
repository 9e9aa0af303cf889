using System.CommandLine;

namespace Monolith.Cli.Session;

/// <summary>The options that every command takes.</summary>
internal static class Globals
{
    public static readonly Option<string?> Endpoint = new("--endpoint")
    {
        Description = $"Where the host listens. Default: $MONOLITH_ENDPOINT, the context, {Settings.DefaultEndpoint}.",
        HelpName = "HOST:PORT",
        Recursive = true,
    };

    public static readonly Option<string?> Token = new("--token")
    {
        Description = "The bearer token. Default: $MONOLITH_TOKEN, or the context's.",
        HelpName = "TOKEN",
        Recursive = true,
    };

    public static readonly Option<string?> Ca = new("--ca")
    {
        Description = "The CA certificate (PEM) to trust. Default: $MONOLITH_CA, the context's, or the system's.",
        HelpName = "FILE",
        Recursive = true,
    };

    public static readonly Option<string?> Project = new("--project", "-p")
    {
        Description = "The project. Default: $MONOLITH_PROJECT, the context's, or the only one that you can see.",
        HelpName = "PROJECT",
        Recursive = true,
    };

    public static readonly Option<string?> Context = new("--context")
    {
        Description = "The context to use instead of the current one (see `monolith config`).",
        HelpName = "NAME",
        Recursive = true,
    };

    public static readonly Option<string> Output = new("--output", "-o")
    {
        Description = "table, json, yaml, or name.",
        HelpName = "FORMAT",
        DefaultValueFactory = _ => "table",
        Recursive = true,
    };

    public static readonly Option<string?> Timeout = new("--timeout")
    {
        Description = "Give up after this time, waiting included. Default 10m.",
        HelpName = "TIME",
        Recursive = true,
    };

    public static readonly Option<bool> Verbose = new("--verbose", "-v")
    {
        Description = "Show each call with its request id and trace id.",
        Recursive = true,
    };

    static Globals() => Output.AcceptOnlyFromAmong("table", "json", "yaml", "name");

    public static void AddTo(RootCommand root)
    {
        foreach (var option in new Option[] { Endpoint, Token, Ca, Project, Context, Output, Timeout, Verbose })
            root.Options.Add(option);
    }

    /// <summary>Settles every global option.</summary>
    /// <exception cref="UsageException">One of them is malformed, or names a context that does not exist.</exception>
    public static Settings Settle(ParseResult line, Surroundings around)
    {
        var configuration = Configuration.Read(around.ConfigurationFile);
        var name = line.GetValue(Context) ?? around.Variable("MONOLITH_CONTEXT");
        if (name is not null && !configuration.Contexts.ContainsKey(name))
            throw new UsageException(
                $"There is no context '{name}'.", "`monolith config list` shows those that there are.");
        var context = name is null ? configuration.CurrentContext : configuration.Contexts[name];
        // A context that is asked for by name wins over the environment.
        string? Choose(Option<string?> option, string variable, string? configured) =>
            line.GetValue(option) is { Length: > 0 } given ? given
            : name is null ? around.Variable(variable) ?? configured
            : configured ?? around.Variable(variable);

        var tls = around.Variable("MONOLITH_TLS_ENDPOINT");
        return new Settings
        {
            Endpoint = Settings.ParseEndpoint(
                Choose(Endpoint, "MONOLITH_ENDPOINT", context?.Endpoint) ?? tls ?? Settings.DefaultEndpoint, tls,
                secure: line.GetValue(Ca) is { Length: > 0 }),
            Token = Choose(Token, "MONOLITH_TOKEN", context?.Token),
            Ca = Choose(Ca, "MONOLITH_CA", context?.Ca),
            Project = Choose(Project, "MONOLITH_PROJECT", context?.Project),
            Output = Enum.Parse<OutputFormat>(line.GetValue(Output) ?? "table", ignoreCase: true),
            Timeout = line.GetValue(Timeout) is { } timeout ? Settings.ParseSpan(timeout) : TimeSpan.FromMinutes(10),
            Verbose = line.GetValue(Verbose),
        };
    }
}
