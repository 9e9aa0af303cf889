using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Monolith.Agent.V1;

namespace Monolith.Agent.Join;

/// <summary>
/// A new certificate at two thirds of the old one's life, with a new key. It never gives up: an expired certificate is
/// still shown, and the host renews it for a node that it knows.
/// </summary>
public sealed class Renewal(HostChannel channel, string stateDirectory, TimeProvider time, ILogger log)
{
    private static readonly TimeSpan RetryFirst = TimeSpan.FromMinutes(1), RetryCap = TimeSpan.FromHours(1);
    private static readonly TimeSpan LongestWait = TimeSpan.FromHours(12);
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    /// <summary>When to renew: at two thirds, up to a twentieth of the life earlier. Pure.</summary>
    /// <param name="notBefore">Begin of the life.</param>
    /// <param name="notAfter">Its end.</param>
    /// <param name="random">In [0, 1).</param>
    public static DateTimeOffset DueAt(DateTimeOffset notBefore, DateTimeOffset notAfter, double random)
    {
        var life = notAfter - notBefore;
        return notBefore + (life * (2.0 / 3)) - (life * (random / 20));
    }

    public async Task RunAsync(CancellationToken cancellation)
    {
        var backoff = new Sync.Backoff(RetryFirst, RetryCap);
        var attempt = 0;
        var (due, expiry) = Schedule();
        while (!cancellation.IsCancellationRequested)
        {
            // A timer of weeks is not trusted: the clock of a machine may jump.
            var wait = due - time.GetUtcNow();
            try
            {
                if (wait > TimeSpan.Zero)
                {
                    await Task.Delay(wait < LongestWait ? wait : LongestWait, time, cancellation);
                    continue;
                }

                await RenewAsync(cancellation);
                attempt = 0;
                (due, expiry) = Schedule();
                log.CertificateRenewed(expiry);
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is RpcException or IOException
                or CryptographicException or OperationCanceledException)
            {
                due = time.GetUtcNow() + backoff.After(attempt++, Random.Shared.NextDouble());
                log.RenewalFailed(e is RpcException rpc ? rpc.Status.Detail : e.Message, expiry, due);
            }
        }
    }

    /// <summary>Renews now.</summary>
    public async Task RenewAsync(CancellationToken cancellation)
    {
        var identity = channel.Identity;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var response = await new NodeService.NodeServiceClient(channel.Invoker).RenewCertificateAsync(
            new RenewCertificateRequest
            {
                CertificateRequest = ByteString.CopyFrom(NodeIdentity.RequestOf(key, identity.Node)),
            },
            deadline: (time.GetUtcNow() + Deadline).UtcDateTime,
            cancellationToken: cancellation);
        using var certificate = X509CertificateLoader.LoadCertificate(response.Certificate.Span);
        using var authority = X509CertificateLoader.LoadCertificate(response.CaCertificate.Span);
        var renewed = identity with
        {
            Key = key.ExportPkcs8PrivateKeyPem(),
            Certificate = certificate.ExportCertificatePem(),
            Authority = authority.ExportCertificatePem(),
        };
        using (renewed.OpenCertificate()) renewed.Save(stateDirectory);
        channel.Use(renewed);
    }

    private (DateTimeOffset Due, DateTimeOffset Expiry) Schedule()
    {
        using var certificate = channel.Identity.OpenCertificate();
        var (from, to) = (certificate.NotBefore.ToUniversalTime(), certificate.NotAfter.ToUniversalTime());
        return (DueAt(from, to, Random.Shared.NextDouble()), to);
    }
}
