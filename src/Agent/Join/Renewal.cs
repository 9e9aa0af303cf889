using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Monolith.Agent.V1;

namespace Monolith.Agent.Join;

/// <summary>
/// Keeps what this node is believed by, and what it believes: a new certificate at two thirds of the old one's life, with a new key,
/// and whom to trust asked for every ten minutes. It never gives up: an expired certificate is still shown, and the host renews it for
/// a node that it knows.
/// </summary>
public sealed class Renewal(HostChannel channel, string stateDirectory, TimeProvider time, ILogger log)
{
    private static readonly TimeSpan RetryFirst = TimeSpan.FromMinutes(1), RetryCap = TimeSpan.FromHours(1);
    private static readonly TimeSpan FirstLook = TimeSpan.FromSeconds(10), LookEvery = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private NodeService.NodeServiceClient Host => new(channel.Invoker);

    private DateTime Due => (time.GetUtcNow() + Deadline).UtcDateTime;

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
        var retries = new Sync.Backoff(RetryFirst, RetryCap);
        var (attempt, again, jitter) = (0, DateTimeOffset.MinValue, Random.Shared.NextDouble());
        // A fleet that starts at once does not ask at once.
        var look = time.GetUtcNow() + (FirstLook * Random.Shared.NextDouble());
        while (!cancellation.IsCancellationRequested)
        {
            var now = time.GetUtcNow();
            var (due, expiry) = Schedule(jitter);
            if (again > due) due = again;
            // The clock was put back.
            if (look - now > LookEvery * 2) look = now;
            if (again - now > RetryCap * 2) again = now;
            var renews = due <= now;
            try
            {
                if (!renews && look > now)
                {
                    await Task.Delay((look < due ? look : due) - now, time, cancellation);
                    continue;
                }

                if (!renews) look = now + (LookEvery * (0.9 + (Random.Shared.NextDouble() / 5)));
                if (renews) await RenewAsync(cancellation);
                else if (!await LookAsync(cancellation)) continue;
                (attempt, again) = (0, DateTimeOffset.MinValue);
                (_, expiry) = Schedule(jitter);
                log.CertificateRenewed(expiry);
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // Whatever it is: who gives up has no certificate in ninety days.
                var cause = e is RpcException rpc ? rpc.Status.Detail : e.Message;
                if (renews)
                {
                    again = now + retries.After(attempt++, Random.Shared.NextDouble());
                    log.RenewalFailed(cause, expiry, again);
                }
                else log.NotTold(cause, look);
            }
        }
    }

    /// <summary>Runs as long as an agent does.</summary>
    public async Task RunBesideAsync(IAgent agent, CancellationToken cancellation)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var renewing = RunAsync(over.Token);
        try
        {
            await agent.RunAsync(cancellation);
        }
        finally
        {
            await over.CancelAsync();
            await renewing;
        }
    }

    /// <summary>Asks whom to trust, and keeps that; renews the certificate when its signer signs no more.</summary>
    /// <returns>Whether there is a new certificate.</returns>
    public async Task<bool> LookAsync(CancellationToken cancellation)
    {
        var (told, renew) = await AskAsync(cancellation);
        var known = DigestsOf(channel.Identity);
        if (renew) await RenewAsync(cancellation);
        // Who need not renew is certified by one of them.
        else if (told.TryGetValue(known[0], out var signer) && !told.Keys.ToHashSet().SetEquals(known))
            Keep(channel.Identity with { Authority = NodeIdentity.AuthorityPem(signer, told.Values) });
        else return false;
        log.AuthoritiesChanged(told.Count);
        // An operator waits for what it keeps now.
        await AskAsync(cancellation);
        return renew;
    }

    private async Task<(IReadOnlyDictionary<string, ReadOnlyMemory<byte>> Told, bool Renew)> AskAsync(CancellationToken cancellation)
    {
        var known = DigestsOf(channel.Identity);
        var answer = await Host.GetAuthoritiesAsync(
            new GetAuthoritiesRequest { CertifiedBySha256 = known[0], TrustedSha256 = { known } },
            deadline: Due, cancellationToken: cancellation);
        return (answer.CaCertificates.ToDictionary(c => HostTrust.DigestOf(c.Span), c => c.Memory), answer.Renew);
    }

    /// <summary>Renews now.</summary>
    public async Task RenewAsync(CancellationToken cancellation)
    {
        var identity = channel.Identity;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var response = await Host.RenewCertificateAsync(
            new RenewCertificateRequest
            {
                CertificateRequest = ByteString.CopyFrom(NodeIdentity.RequestOf(key, identity.Node)),
            },
            deadline: Due,
            cancellationToken: cancellation);
        using var certificate = X509CertificateLoader.LoadCertificate(response.Certificate.Span);
        Keep(identity with
        {
            Key = key.ExportPkcs8PrivateKeyPem(),
            Certificate = certificate.ExportCertificatePem(),
            Authority = NodeIdentity.AuthorityPem(response.CaCertificate.Memory, response.OtherCaCertificates.Select(c => c.Memory)),
        });
    }

    private void Keep(NodeIdentity identity)
    {
        identity.Check();
        identity.Save(stateDirectory);
        channel.Use(identity);
    }

    private static List<string> DigestsOf(NodeIdentity identity)
    {
        var authorities = identity.OpenAuthorities();
        try
        {
            return [.. authorities.Select(HostTrust.DigestOf)];
        }
        finally
        {
            foreach (var authority in authorities) authority.Dispose();
        }
    }

    /// <param name="jitter">In [0, 1).</param>
    private (DateTimeOffset Due, DateTimeOffset Expiry) Schedule(double jitter)
    {
        using var certificate = channel.Identity.OpenCertificate();
        var (from, to) = (certificate.NotBefore.ToUniversalTime(), certificate.NotAfter.ToUniversalTime());
        return (DueAt(from, to, jitter), to);
    }
}
