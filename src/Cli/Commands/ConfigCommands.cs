using System.CommandLine;
using Monolith.Cli.Session;

namespace Monolith.Cli.Commands;

/// <summary>Contexts: save, use, list, show, delete.</summary>
internal static class ConfigCommands
{
    public static Command Of(App app)
    {
        var command = new Command("config", "Contexts: where to call, as whom, in which project.");
        command.Subcommands.Add(Save(app));
        command.Subcommands.Add(Use(app));
        command.Subcommands.Add(ListAll(app));
        command.Subcommands.Add(Show(app));
        command.Subcommands.Add(Delete(app));
        return command;
    }

    static Argument<string> Name(App app)
    {
        var name = new Argument<string>("NAME") { Description = "The context." };
        name.CompletionSources.Add(_ => Configuration.Read(app.Around.ConfigurationFile).Contexts.Keys
            .Select(key => new System.CommandLine.Completions.CompletionItem(key)));
        return name;
    }

    static Command Save(App app)
    {
        var name = new Argument<string>("NAME") { Description = "The context." };
        var command = new Command("save", "Keep --endpoint, --token, --ca and --project under a name, and use it.");
        command.Arguments.Add(name);
        return app.DoesLocally(command, (line, _) =>
        {
            var configuration = Configuration.Read(app.Around.ConfigurationFile);
            configuration.Contexts.TryGetValue(line.GetValue(name)!, out var before);
            string? Given(Option<string?> option, string? kept) =>
                line.GetValue(option) is { Length: > 0 } value ? value : kept;
            var endpoint = Given(Globals.Endpoint, before?.Endpoint);
            if (endpoint is not null)
                Settings.ParseEndpoint(endpoint, null);
            configuration.Contexts[line.GetValue(name)!] = new Context(
                endpoint,
                Given(Globals.Token, before?.Token),
                Given(Globals.Ca, before?.Ca) is { } ca ? Path.GetFullPath(ca) : null,
                Given(Globals.Project, before?.Project))
            {
                // Another token is no sign-in's.
                Session = line.GetValue(Globals.Token) is { Length: > 0 } ? null : before?.Session,
            };
            configuration.Current = line.GetValue(name);
            configuration.Save();
            app.Around.Out.WriteLine($"{line.GetValue(name)} is the current context.");
            return Task.FromResult(ExitCode.Done);
        });
    }

    static Command Use(App app)
    {
        var name = Name(app);
        return app.DoesLocally(new Command("use", "Make a context the current one.") { name }, (line, _) =>
        {
            var configuration = Known(app, line.GetValue(name)!);
            configuration.Current = line.GetValue(name);
            configuration.Save();
            return Task.FromResult(ExitCode.Done);
        });
    }

    static Command ListAll(App app)
    {
        var command = new Command("list", "List contexts; the current one has a star.");
        command.Aliases.Add("ls");
        return app.DoesLocally(command, (_, _) =>
        {
            var configuration = Configuration.Read(app.Around.ConfigurationFile);
            foreach (var (name, context) in configuration.Contexts)
            {
                var star = name == configuration.Current ? "*" : " ";
                app.Around.Out.WriteLine($"{star} {name}  {context.Endpoint ?? "-"}  {context.Project ?? "-"}");
            }
            return Task.FromResult(ExitCode.Done);
        });
    }

    static Command Show(App app) =>
        app.DoesLocally(new Command("show", "Show what holds now, and never a secret."), (line, _) =>
    {
        var settings = Globals.Settle(line, app.Around);
        app.Around.Out.WriteLine($"file:      {app.Around.ConfigurationFile}");
        app.Around.Out.WriteLine($"endpoint:  {settings.Endpoint}");
        app.Around.Out.WriteLine($"token:     {(settings.Token is null ? "none" : "set")}");
        app.Around.Out.WriteLine($"ca:        {settings.Ca ?? "the system's"}");
        app.Around.Out.WriteLine($"project:   {settings.Project ?? "the only one that you can see"}");
        return Task.FromResult(ExitCode.Done);
    });

    static Command Delete(App app)
    {
        var name = Name(app);
        return app.DoesLocally(new Command("delete", "Forget a context.") { name }, (line, _) =>
        {
            var configuration = Known(app, line.GetValue(name)!);
            configuration.Contexts.Remove(line.GetValue(name)!);
            if (configuration.Current == line.GetValue(name))
                configuration.Current = null;
            configuration.Save();
            return Task.FromResult(ExitCode.Done);
        });
    }

    static Configuration Known(App app, string name)
    {
        var configuration = Configuration.Read(app.Around.ConfigurationFile);
        return configuration.Contexts.ContainsKey(name)
            ? configuration
            : throw new UsageException(
                $"There is no context '{name}'.", "`monolith config list` shows those that there are.");
    }
}
