using System.Diagnostics;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Net.Client.Configuration;
using Monolith.Cli.Session;
using Monolith.Compute.V1;

namespace Monolith.Cli.Api;

/// <summary>Opens the channel that a command calls through.</summary>
internal static class Connection
{
    public static GrpcChannel Open(Settings settings)
    {
        var handler = new SocketsHttpHandler
        {
            ConnectTimeout = TimeSpan.FromSeconds(5),
            KeepAlivePingDelay = TimeSpan.FromSeconds(20),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(10),
            EnableMultipleHttp2Connections = false,
            // The command's trace context is sent by itself, in Calls: the handler's own would be a second one.
            ActivityHeadersPropagator = DistributedContextPropagator.CreateNoOutputPropagator(),
        };
        if (settings.Endpoint.Scheme == Uri.UriSchemeHttps && settings.Ca is { } ca)
            handler.SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = TrustOnly(ca) };
        return GrpcChannel.ForAddress(settings.Endpoint, new GrpcChannelOptions
        {
            HttpHandler = handler,
            DisposeHttpClient = true,
            MaxReceiveMessageSize = 64 << 20,
            ServiceConfig = new ServiceConfig { MethodConfigs = { Retries, Once } },
        });
    }

    // Every mutating request carries a request id, so a repeat after a lost answer is the same request.
    static readonly MethodConfig Retries = new()
    {
        Names = { MethodName.Default },
        RetryPolicy = new RetryPolicy
        {
            MaxAttempts = 3,
            InitialBackoff = TimeSpan.FromMilliseconds(100),
            MaxBackoff = TimeSpan.FromSeconds(1),
            BackoffMultiplier = 3,
            RetryableStatusCodes = { StatusCode.Unavailable },
        },
    };

    // Who is at a console is told at once, and tries again by hand.
    static readonly MethodConfig Once = new() { Names = { new() { Service = ServerConsoleService.Descriptor.FullName } } };

    static X509ChainPolicy TrustOnly(string file)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
        };
        try
        {
            policy.CustomTrustStore.ImportFromPemFile(file);
        }
        catch (Exception error) when (error is IOException or CryptographicException or UnauthorizedAccessException)
        {
            throw new UsageException($"The CA certificate {file} cannot be read: {error.Message}",
                "--ca or $MONOLITH_CA must name a PEM file.");
        }
        if (policy.CustomTrustStore.Count == 0)
            throw new UsageException($"{file} holds no certificate.", "--ca or $MONOLITH_CA must name a PEM file.");
        return policy;
    }
}
