using System.Net;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Monolith.Identity.V1;

namespace Monolith.Identity.Bench;

/// <summary>Answers as a host does, and asks nobody who they are.</summary>
internal sealed class OpenServer : IAsyncDisposable
{
    readonly WebApplication web;

    OpenServer(WebApplication web) => this.web = web;

    public string Address => web.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();

    public static async Task<OpenServer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, l => l.Protocols = HttpProtocols.Http2));
        builder.Services.AddGrpc();
        var web = builder.Build();
        web.MapGrpcService<Roles>();
        await web.StartAsync();
        return new(web);
    }

    public ValueTask DisposeAsync() => web.DisposeAsync();

    sealed class Roles : RoleService.RoleServiceBase
    {
        public override Task<TestPermissionsResponse> TestPermissions(TestPermissionsRequest request, ServerCallContext context) =>
            Task.FromResult(new TestPermissionsResponse
            {
                Permissions = { request.Permissions.Select(p => new TestedPermission { Permission = p, Held = true }) },
            });
    }
}
