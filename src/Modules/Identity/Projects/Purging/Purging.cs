using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Monolith.Platform.Reconciling;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Projects.Purging;

/// <summary>Projects that are deleted with all that they own.</summary>
internal static class Purging
{
    public static IServiceCollection AddPurge(this IServiceCollection services)
    {
        services.AddSingleton<Holdings>();
        services.AddSingleton<ProjectPurge>();
        services.AddSingleton<ProjectPurging>();
        services.AddSingleton(Loop);
        services.AddSingleton<IHostedService>(s => s.GetRequiredService<Reconciler<ProjectName>>());
        return services;
    }

    // The loop is made before what it drives.
    static Reconciler<ProjectName> Loop(IServiceProvider services) => new("identity/projects",
        (name, cancel) => services.GetRequiredService<ProjectPurge>().ReconcileAsync(name.Value, cancel),
        cancel => services.GetRequiredService<Store<IdentityDb>>().ReadAsync<IReadOnlyList<ProjectName>>(async db =>
            (await db.Projects.Where(p => p.DeleteTime != null).Select(p => p.Name).ToListAsync(cancel))
            .ConvertAll(name => new ProjectName(name))),
        services.GetRequiredService<TimeProvider>(), services.GetRequiredService<ILogger<ProjectPurge>>(), workers: 2);
}
