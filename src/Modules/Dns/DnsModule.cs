using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Monolith.Dns.Contracts;
using Monolith.Dns.Serving;
using Monolith.Dns.Zones;
using Monolith.Identity.Contracts;
using Monolith.Platform.Calls;
using Monolith.Platform.Quotas;
using Monolith.Platform.Storage;

namespace Monolith.Dns;

/// <summary>Zones, their records, and the name server that answers for them.</summary>
public static class DnsModule
{
    public static IServiceCollection AddDns(this IServiceCollection services, DnsOptions options)
    {
        services.AddSingleton(options);
        services.AddModuleStore<DnsDb>("dns", o => new SqliteDnsDb(o), o => new PostgresDnsDb(o));
        services.AddSingleton<IProjectContents>(s => new ProjectContents<DnsDb>(s.GetRequiredService<Store<DnsDb>>(), s)
            .Of("zones", db => db.Zones, (ZoneService zones, string name, InnerCall call) =>
                zones.DeleteZone(new() { Name = name }, call)));
        services.AddFacts(new FactTables<DnsDb>().Of("zones", db => db.Zones));
        services.AddCounts(new Counts<DnsDb>().Of(db => db.Zones, ("zones", _ => 1)));
        // In this order: the cloud's zone is there before the zones are loaded.
        services.AddSingleton<IStartUp, CloudZone>();
        services.AddSingleton<ServedZones>();
        services.AddSingleton<IStartUp>(s => s.GetRequiredService<ServedZones>());
        services.AddSingleton<DnsMetrics>();
        services.AddSingleton(s =>
        {
            var zones = s.GetRequiredService<ServedZones>();
            return new PacketHandler(() => zones.Table, s.GetRequiredService<DnsMetrics>());
        });
        services.AddSingleton<TcpServing>();
        services.AddSingleton<DnsServer>();
        services.AddSingleton<IHostedService>(s => s.GetRequiredService<DnsServer>());
        services.AddSingleton<INames, Names.Names>();
        return services;
    }

    public static void MapDns(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGrpcService<ZoneService>();
        endpoints.MapGrpcService<RecordSets.RecordSetService>();
    }
}
