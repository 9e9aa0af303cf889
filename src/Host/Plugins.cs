using System.Reflection;
using System.Runtime.Loader;
using Monolith.Compute.Contracts;

namespace Monolith.Host;

/// <summary>
/// What operators add without a fork: below the plug-in directory, a directory for each plug-in with an assembly of the
/// same name and what that needs (<c>plugins/Cooling/Cooling.dll</c>). Every public class in it that implements one of
/// the modules' extension points, and has a constructor without parameters, is made once. Plug-ins are trusted: they
/// run in the host's process, with its rights.
/// </summary>
internal static class Plugins
{
    static readonly Type[] Points = [typeof(IPlacementFilter), typeof(IPlacementWeigher)];

    /// <summary>In the order of the plug-ins' names.</summary>
    /// <param name="directory">Null: there are none.</param>
    /// <exception cref="InvalidOperationException">One cannot be loaded. A host without a rule that its operators
    /// count on would place servers where they must not be.</exception>
    public static void AddPlugins(this IServiceCollection services, string? directory)
    {
        if (directory is null) return;
        if (!Directory.Exists(directory)) throw new InvalidOperationException($"The plug-in directory {directory} does not exist.");
        foreach (var plugin in Directory.GetDirectories(directory).Order(StringComparer.Ordinal)) Add(services, plugin);
    }

    static void Add(IServiceCollection services, string directory)
    {
        var file = Path.GetFullPath(Path.Combine(directory, Path.GetFileName(directory) + ".dll"));
        try
        {
            var types = new Context(file).LoadFromAssemblyPath(file).GetExportedTypes()
                .Where(t => t is { IsClass: true, IsAbstract: false } && Points.Any(p => p.IsAssignableFrom(t))).ToList();
            if (types.Count == 0)
                throw new InvalidOperationException($"it has no public class that implements {string.Join(" or ",
                    Points.Select(p => p.Name))}; build it against the contracts that this host was built with");
            foreach (var type in types)
            {
                var made = Activator.CreateInstance(type)!;
                foreach (var point in Points.Where(p => p.IsAssignableFrom(type))) services.AddSingleton(point, made);
            }
        }
        catch (Exception e)
        {
            var cause = e is TargetInvocationException { InnerException: { } inner } ? inner : e;
            throw new InvalidOperationException(
                $"The plug-in {file} cannot be loaded: {cause.Message}. Mend it, or take its directory away.", e);
        }
    }

    /// <summary>A plug-in brings its own libraries; the contracts, and all else that the host has, are the host's.</summary>
    sealed class Context(string file) : AssemblyLoadContext(Path.GetFileNameWithoutExtension(file))
    {
        readonly AssemblyDependencyResolver resolver = new(file);

        protected override Assembly? Load(AssemblyName name)
        {
            if (IsHosts(name)) return null;
            return resolver.ResolveAssemblyToPath(name) is { } path ? LoadFromAssemblyPath(path) : null;
        }

        static bool IsHosts(AssemblyName name)
        {
            try
            {
                return Default.LoadFromAssemblyName(name) is not null;
            }
            catch (Exception e) when (e is FileNotFoundException or FileLoadException)
            {
                return false;
            }
        }
    }
}
