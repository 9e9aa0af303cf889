using System.Runtime.CompilerServices;
using System.Xml.Linq;

namespace Monolith.Host.Tests.Walls;

/// <summary>
/// Who may lean on whom, read from the project files:
/// <code>
///   Host ──▶ modules ──▶ other modules' Contracts ──▶ Platform ──▶ Protos
///               └────────────────▶ Disks
/// </code>
/// </summary>
public sealed class ModuleWallTests
{
    static readonly string Root = FindRoot();

    /// <param name="Path">From the repository's root, with slashes.</param>
    sealed record Project(string Path, IReadOnlyList<string> References)
    {
        public bool IsContracts => Path.Contains("/Contracts/", StringComparison.Ordinal);
        public bool IsPlatform => Path.StartsWith("src/Modules/Platform/", StringComparison.Ordinal);
        public bool IsModules => Path.StartsWith("src/Modules/", StringComparison.Ordinal);
        public bool IsProtos => Path.StartsWith("protos/", StringComparison.Ordinal);
        public bool IsDisks => Path.StartsWith("src/Disks/", StringComparison.Ordinal);
        public bool IsModule => IsModules && !IsContracts && !IsPlatform;
    }

    [Fact]
    public void Modules_LeanOnPlatformProtosAndContractsAlone()
    {
        var projects = Read();
        Assert.True(projects.Count(p => p.IsModule) >= 7, "too few modules were found to say anything");
        Assert.Empty(Violations(projects));
    }

    /// <summary>The test that proves that the test would fail.</summary>
    [Theory]
    [InlineData("src/Modules/Compute/Monolith.Compute.csproj", "src/Modules/Network/Monolith.Network.csproj")]
    [InlineData("src/Modules/Compute/Monolith.Compute.csproj", "src/Agent/Monolith.Agent.csproj")]
    [InlineData("src/Modules/Dns/Contracts/Monolith.Dns.Contracts.csproj", "src/Modules/Dns/Monolith.Dns.csproj")]
    [InlineData("src/Modules/Platform/Monolith.Platform.csproj", "src/Modules/Identity/Contracts/Monolith.Identity.Contracts.csproj")]
    [InlineData("src/Cli/Monolith.Cli.csproj", "src/Modules/Compute/Monolith.Compute.csproj")]
    [InlineData("src/Agent/Monolith.Agent.csproj", "src/Modules/Compute/Contracts/Monolith.Compute.Contracts.csproj")]
    public void APlantedReference_IsFound(string from, string to)
    {
        var projects = Read().Select(p => p.Path == from ? p with { References = [.. p.References, to] } : p).ToList();
        Assert.Equal([$"{from} references {to}"], Violations(projects));
    }

    static IEnumerable<string> Violations(List<Project> projects)
    {
        var byPath = projects.ToDictionary(p => p.Path, StringComparer.Ordinal);
        foreach (var project in projects.Where(p => !p.Path.StartsWith("src/Host/", StringComparison.Ordinal)))
            foreach (var reference in project.References)
                if (!Allowed(project, byPath.TryGetValue(reference, out var to) ? to : new(reference, [])))
                    yield return $"{project.Path} references {reference}";
    }

    static bool Allowed(Project from, Project to) => from switch
    {
        { IsProtos: true } or { IsDisks: true } => false,
        { IsPlatform: true } => to.IsProtos,
        { IsModules: true } => to.IsProtos || to.IsDisks || to.IsPlatform || to.IsContracts,
        // The agent, the command and whatever else is no host: they speak to modules over the wire.
        _ => !to.IsModules,
    };

    static List<Project> Read() =>
    [
        .. new[] { "src", "protos" }
            .SelectMany(d => Directory.EnumerateFiles(Path.Combine(Root, d), "*.csproj", SearchOption.AllDirectories))
            .Select(file => new Project(Relative(file),
            [
                .. XDocument.Load(file).Descendants("ProjectReference").Select(r => (string)r.Attribute("Include")!)
                    .Select(i => Relative(Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, i.Replace('\\', '/'))))),
            ])),
    ];

    static string Relative(string path) => Path.GetRelativePath(Root, path).Replace('\\', '/');

    static string FindRoot([CallerFilePath] string here = "")
    {
        var directory = new FileInfo(here).Directory;
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "Monolith.sln")))
            directory = directory.Parent;
        return directory?.FullName ?? throw new DirectoryNotFoundException("There is no Monolith.sln above " + here);
    }
}
