using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Grpc.AspNetCore.Server;
using Monolith.Host.Tests.Cloud;

namespace Monolith.Host.Tests.Access;

/// <summary>What may be called is what the protos say, and nothing else is served.</summary>
public sealed class DeclarationTests(RunningHost host)
{
    [Fact]
    public void EveryMethod_NamesItsPermission() => Assert.All(Methods.All, m => Assert.Matches(
        @"^(public|authenticated|[a-z]+\.[a-zA-Z]+\.[a-z]+)$", m.Permission));

    /// <summary>Else the walk over the descriptors finds nothing, and every test here passes.</summary>
    [Fact]
    public void TheWalk_FindsEveryServiceThatTheHostServes()
    {
        var served = host.Services.GetRequiredService<EndpointDataSource>().Endpoints
            .Select(e => e.Metadata.GetMetadata<GrpcMethodMetadata>()?.Method.FullName).OfType<string>()
            .Where(m => !m.StartsWith("/grpc.", StringComparison.Ordinal)).Distinct().Order(StringComparer.Ordinal);
        Assert.Equal(Methods.All.Select(m => $"/{m.Descriptor.Service.FullName}/{m.Descriptor.Name}")
            .Order(StringComparer.Ordinal), served);
    }

    [Fact]
    public void MethodsOfProjects_SayWhereTheyAct() => Assert.All(
        Methods.All.Where(m => m.Permission.Split('.')[0] is "network" or "dns" or "lb" or "image"
            && !m.Permission.StartsWith("network.addressPools.", StringComparison.Ordinal)
            && !m.Permission.StartsWith("network.fabricPeers.", StringComparison.Ordinal)
            && !m.Permission.StartsWith("network.fabricBreaches.", StringComparison.Ordinal)
            && !m.Permission.StartsWith("lb.nodes.", StringComparison.Ordinal)),
        m => Assert.True(m.InProject, $"{m} acts in no project"));

    /// <summary>Health and reflection are for everybody.</summary>
    [Fact]
    public async Task OnlyHealthReflectionJoiningAndSigningIn_NeedNoCaller()
    {
        Assert.Equal(
            [
                "monolith.agent.v1.NodeService.Join", "monolith.identity.v1.IdentityProviderService.ExchangeIdToken",
                "monolith.identity.v1.IdentityProviderService.ListSignInProviders", "monolith.identity.v1.SessionService.CreateSession",
            ],
            Methods.All.Where(m => m.Permission == "public").Select(m => m.ToString()));
        await host.AliveAsync();
    }
}
