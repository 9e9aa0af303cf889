using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Monolith.Platform.Storage;

namespace Monolith.Compute;

/// <summary>Servers and the machines that run them.</summary>
public static class ComputeModule
{
    public static IServiceCollection AddCompute(this IServiceCollection services)
    {
        services.AddModuleStore<ComputeDb>("compute", o => new SqliteComputeDb(o), o => new PostgresComputeDb(o));
        return services;
    }

    public static void MapCompute(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGrpcService<Flavors.FlavorService>();
    }
}
