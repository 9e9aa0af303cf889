using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Monolith.Cli.Tests.Fake;

/// <summary>A host that answers on loopback over real HTTP/2, with services that a test scripts.</summary>
internal sealed class Cloud : IAsyncDisposable
{
    readonly WebApplication web;

    Cloud(WebApplication web) => this.web = web;

    public Servers Servers => web.Services.GetRequiredService<Servers>();

    public Images Images => web.Services.GetRequiredService<Images>();

    public Groups Groups => web.Services.GetRequiredService<Groups>();

    public Book Book => web.Services.GetRequiredService<Book>();

    public Access Access => web.Services.GetRequiredService<Access>();

    public People People => web.Services.GetRequiredService<People>();

    public SignIns SignIns => web.Services.GetRequiredService<SignIns>();

    public Revoker Revoker => web.Services.GetRequiredService<Revoker>();

    public Trail Trail => web.Services.GetRequiredService<Trail>();

    public Quotas Quotas => web.Services.GetRequiredService<Quotas>();

    public Hypervisors Hypervisors => web.Services.GetRequiredService<Hypervisors>();

    public Authorities Authorities => web.Services.GetRequiredService<Authorities>();
    public Prewarms Prewarms => web.Services.GetRequiredService<Prewarms>();

    public Identity Identity => web.Services.GetRequiredService<Identity>();

    public string Endpoint =>
        web.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();

    public Consoles Consoles => web.Services.GetRequiredService<Consoles>();

    public Balancers Balancers => web.Services.GetRequiredService<Balancers>();

    public Logins Logins => web.Services.GetRequiredService<Logins>();

    public FloatingAddresses FloatingAddresses => web.Services.GetRequiredService<FloatingAddresses>();

    /// <param name="certificate">The host's own: then it speaks TLS, and plaintext otherwise.</param>
    public static async Task<Cloud> StartAsync(X509Certificate2? certificate = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
            kestrel.Listen(IPAddress.Loopback, 0, listen =>
            {
                listen.Protocols = HttpProtocols.Http2;
                if (certificate is not null)
                    listen.UseHttps(certificate);
            }));
        builder.Services.AddGrpc(options => options.EnableDetailedErrors = true);
        builder.Services.AddSingleton<Book>().AddSingleton<Pools>().AddSingleton<Servers>().AddSingleton<Images>().AddSingleton<Groups>().AddSingleton<Identity>()
            .AddSingleton<Balancers>().AddSingleton<Quotas>().AddSingleton<Hypervisors>().AddSingleton<Consoles>()
            .AddSingleton<Prewarms>().AddSingleton<Authorities>().AddSingleton<Zones>().AddSingleton<Access>().AddSingleton<Trail>().AddSingleton<People>()
            .AddSingleton<Logins>().AddSingleton<FloatingAddresses>().AddSingleton<SignIns>().AddSingleton<Revoker>();
        var web = builder.Build();
        web.MapGrpcService<Servers>();
        web.MapGrpcService<Images>();
        web.MapGrpcService<Groups>();
        web.MapGrpcService<Identity>();
        web.MapGrpcService<Balancers>();
        web.MapGrpcService<Access>();
        web.MapGrpcService<Trail>();
        web.MapGrpcService<People.Users>();
        web.MapGrpcService<People.Groups>();
        web.MapGrpcService<People.Bindings>();
        web.MapGrpcService<People.Sessions>();
        web.MapGrpcService<Logins>();
        web.MapGrpcService<FloatingAddresses>();
        web.MapGrpcService<SignIns>();
        web.MapGrpcService<Revoker>();
        web.MapGrpcService<Quotas>();
        web.MapGrpcService<Hypervisors>();
        web.MapGrpcService<Consoles>();
        web.MapGrpcService<Prewarms>();
        web.MapGrpcService<Authorities>();
        web.MapGrpcService<Zones>();
        web.MapGrpcService<Pools>();
        web.MapGrpcService<Book>();
        await web.StartAsync();
        return new Cloud(web);
    }

    public async ValueTask DisposeAsync()
    {
        // Open watches are cut: nothing here waits for clients.
        await web.StopAsync(new CancellationToken(canceled: true));
        await web.DisposeAsync();
    }
}
