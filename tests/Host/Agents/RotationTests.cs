using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Agent.Join;
using Monolith.Agent.V1;
using Monolith.Host.Tests.Cloud;
using Monolith.Identity.V1;
using Monolith.Protos;
using State = Monolith.Identity.V1.CertificateAuthority.Types.State;
using Use = Monolith.Identity.V1.CertificateAuthority.Types.Use;

namespace Monolith.Host.Tests.Agents;

/// <summary>The nodes' authority changes under a fleet that is at work, on a cloud of its own.</summary>
public sealed class RotationTests : IAsyncLifetime
{
    const string First = "certificateAuthorities/nodes-1", Second = "certificateAuthorities/nodes-2";

    readonly RunningHost host = new() { Fleet = 1 };
    readonly DirectoryInfo state = Directory.CreateTempSubdirectory("rotation-");

    CertificateAuthorityService.CertificateAuthorityServiceClient Authorities => new(host.Invoker);

    public ValueTask InitializeAsync() => host.InitializeAsync();

    public async ValueTask DisposeAsync()
    {
        await host.DisposeAsync();
        state.Delete(recursive: true);
    }

    [Fact]
    public async Task ANewAuthority_TakesOver_AndNobodyIsCutOff()
    {
        using var here = await JoinAsync("here");
        var away = (await JoinAsync("away")).Identity;
        var oldClients = await PemAsync();
        using var stream = new VmSyncService.VmSyncServiceClient(here.Invoker).SyncVms(HelloHeader.Of(new Hello()));
        Assert.True(await stream.ResponseStream.MoveNext(default));

        await Authorities.CreateCertificateAuthorityAsync(new() { CertificateAuthority = new() { Use = Use.Nodes } }, host.Headers());
        Assert.True(await BelievesAsync(oldClients));
        var e = await Assert.ThrowsAsync<RpcException>(async () => await Authorities.ActivateCertificateAuthorityAsync(new() { Name = Second }, host.Headers()));
        Assert.Equal((StatusCode.FailedPrecondition, "NOT_READY"), (e.StatusCode, e.GetRpcStatus()!.GetDetail<Google.Rpc.ErrorInfo>()!.Reason));
        Assert.False(await Renewal(here, "here").LookAsync(default));
        var pending = await Authorities.GetCertificateAuthorityAsync(new() { Name = Second }, host.Headers());
        Assert.Contains("nodes/away", pending.PendingNodes);
        Assert.DoesNotContain("nodes/here", pending.PendingNodes);

        var signing = await Authorities.ActivateCertificateAuthorityAsync(new() { Name = Second, Force = true }, host.Headers());
        Assert.Equal(State.Signing, signing.State);
        // People's clients believe whom they were told, and have both before.
        Assert.False(await BelievesAsync(oldClients));
        Assert.True(await BelievesAsync(await PemAsync()));
        Assert.True(await BelievesAsync(signing.PublicKey));
        // What is open stays open, and whoever was away finds a host that it believes.
        Assert.True(await Renewal(here, "here").LookAsync(default));
        using var back = new HostChannel(away);
        Assert.True(await Renewal(back, "away").LookAsync(default));
        foreach (var channel in new[] { here, back })
        {
            using var certificate = channel.Identity.OpenCertificate();
            Assert.Equal("CN=monolith authority 2", certificate.Issuer);
            Assert.False(await Renewal(channel, channel.Identity.Node).LookAsync(default));
        }
        using var again = new VmSyncService.VmSyncServiceClient(here.Invoker).SyncVms(HelloHeader.Of(new Hello()));
        Assert.True(await again.ResponseStream.MoveNext(default));
        pending = await Authorities.GetCertificateAuthorityAsync(new() { Name = First }, host.Headers());
        Assert.Empty(pending.PendingNodes.Intersect(["nodes/here", "nodes/away"]));
        // The emulated ones ask when it is their time.
        await Authorities.DeleteCertificateAuthorityAsync(new() { Name = First, Force = true }, host.Headers());
        Assert.Equal(signing.PublicKey, await PemAsync());
        using var former = new HostChannel(away);
        e = await Assert.ThrowsAsync<RpcException>(() => Renewal(former, "away").LookAsync(default));
        Assert.True(IsDistrust(e), e.ToString());
    }

    async Task<HostChannel> JoinAsync(string node) => new(await Enrollment.JoinAsync(
        host.Tls.ToString(), await host.JoinTokenAsync(node, NodeRole.Hypervisor), StateOf(node), default));

    Renewal Renewal(HostChannel channel, string node) => new(channel, StateOf(node), TimeProvider.System, NullLogger.Instance);

    string StateOf(string node) => Path.Combine(state.FullName, node);

    Task<string> PemAsync() => File.ReadAllTextAsync(Path.Combine(host.Data, "ca.pem"));

    /// <summary>A client that trusts these, and looks at the name.</summary>
    async Task<bool> BelievesAsync(string pem)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.ImportFromPem(pem);
        using var channel = GrpcChannel.ForAddress($"https://{host.Tls}", new GrpcChannelOptions
        {
            DisposeHttpClient = true,
            HttpHandler = new SocketsHttpHandler { SslOptions = new() { CertificateChainPolicy = policy } },
        });
        try
        {
            await new TokenService.TokenServiceClient(channel).GetCallerAsync(new(), host.Headers(), DateTime.UtcNow.AddMinutes(1));
            return true;
        }
        catch (RpcException e) when (IsDistrust(e))
        {
            return false;
        }
    }

    static bool IsDistrust(RpcException e)
    {
        for (var cause = e.Status.DebugException; cause is not null; cause = cause.InnerException)
            if (cause is AuthenticationException) return true;
        return false;
    }
}
