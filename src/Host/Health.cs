using Microsoft.Extensions.Diagnostics.HealthChecks;
using Monolith.Platform.Storage;

namespace Monolith.Host;

/// <summary>
/// <c>grpc.health.v1</c>: the empty service for the whole host, a module's name (<c>compute</c>) for the module.
/// </summary>
internal static class Health
{
    static readonly string[] Modules = ["identity", "image", "network", "dns", "compute", "lb", "events"];

    public static void AddModuleHealth(this IServiceCollection services)
    {
        var health = services.AddGrpcHealthChecks(o =>
        {
            foreach (var module in Modules) o.Services.Map(module, check => check.Name == module);
        });
        foreach (var module in Modules)
            health.Add(new HealthCheckRegistration(module,
                s => new StoreCheck(s.GetServices<IStoreHealth>().First(h => h.Module == module)),
                HealthStatus.Unhealthy, null, TimeSpan.FromSeconds(2)));
    }

    sealed class StoreCheck(IStoreHealth store) : IHealthCheck
    {
        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancel = default)
        {
            try
            {
                await store.ProbeAsync(cancel);
                return HealthCheckResult.Healthy();
            }
            catch (Exception e)
            {
                return HealthCheckResult.Unhealthy($"The {store.Module} database does not answer.", e);
            }
        }
    }
}
