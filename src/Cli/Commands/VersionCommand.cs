using System.CommandLine;
using System.Reflection;
using System.Runtime.InteropServices;
using Monolith.Cli.Session;

namespace Monolith.Cli.Commands;

/// <summary><c>version</c></summary>
internal static class VersionCommand
{
    public static Command Of(App app) =>
        app.DoesLocally(new Command("version", "Show this command's version."), (_, _) =>
    {
        var version = typeof(VersionCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>();
        app.Around.Out.WriteLine(
            $"monolith {version?.InformationalVersion ?? "unknown"} {RuntimeInformation.RuntimeIdentifier}");
        return Task.FromResult(ExitCode.Done);
    });
}
