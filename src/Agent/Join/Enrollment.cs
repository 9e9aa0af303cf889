using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Monolith.Agent.V1;

namespace Monolith.Agent.Join;

/// <summary>
/// Makes this machine a node. May be repeated after any failure: the key is on disk before it is sent, and the host
/// gives the same key its certificate again.
/// <code>
///   token ─▶ key on disk ─▶ CA with the token's digest ─▶ TLS to whom it certifies ─▶ Join ─▶ identity on disk ─▶ key
/// of the join gone
/// </code>
/// </summary>
public static class Enrollment
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    /// <param name="host"><c>address:port</c> of the host's TLS endpoint.</param>
    /// <param name="tokenText">As CreateJoinToken gave it.</param>
    /// <param name="stateDirectory">Made when it is missing, for the owner alone.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <exception cref="JoinException">It did not become one.</exception>
    public static async Task<NodeIdentity> JoinAsync(
        string host, string tokenText, string stateDirectory, CancellationToken cancellation)
    {
        if (!JoinToken.TryParse(tokenText, out var token))
        {
            throw new JoinException(
                "TOKEN_MALFORMED",
                "This is no join token. Copy all of what `monolith node token NODE` printed; it begins with mj1.");
        }

        Directory.CreateDirectory(
            stateDirectory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        using var key = NodeIdentity.KeyOfJoin(stateDirectory);
        var response = await CallAsync(host, token, NodeIdentity.RequestOf(key, token.Node), cancellation);
        // The one that the token names may sign no more.
        if (!response.OtherCaCertificates.Prepend(response.CaCertificate).Any(c => HostTrust.DigestOf(c.Span) == token.CaSha256))
            throw new JoinException(
                "CA_OTHER", "The host answered with another CA than the token names: do not trust it.");
        using var certificate = X509CertificateLoader.LoadCertificate(response.Certificate.Span);
        var identity = new NodeIdentity(
            response.Node, response.Role, host, key.ExportPkcs8PrivateKeyPem(), certificate.ExportCertificatePem(),
            NodeIdentity.AuthorityPem(response.CaCertificate.Memory, response.OtherCaCertificates.Select(c => c.Memory)));
        identity.Check();
        identity.Save(stateDirectory);
        NodeIdentity.ForgetKeyOfJoin(stateDirectory);
        return identity;
    }

    private static async Task<JoinResponse> CallAsync(
        string host, JoinToken token, byte[] request, CancellationToken cancellation)
    {
        if (!Uri.TryCreate($"https://{host}", UriKind.Absolute, out var address) || address.AbsolutePath != "/")
            throw new JoinException("HOST_MALFORMED", $"'{host}' is not ADDRESS:PORT, such as 192.0.2.1:5443.");
        using var authority = await FindAuthorityAsync(address, host, token, cancellation);
        using var handler = new SocketsHttpHandler
        {
            SslOptions = HostTrust.ByAuthorities([authority]),
            ConnectCallback = async (_, cancel) => await HostSocket.OpenAsync(HostTrust.EndpointOf(address), cancel),
            ConnectTimeout = TimeSpan.FromSeconds(10),
            UseProxy = false,
        };
        using var channel = GrpcChannel.ForAddress(HostTrust.AskingFor(token.CaSha256), new GrpcChannelOptions { HttpHandler = handler });
        try
        {
            return await new NodeService.NodeServiceClient(channel).JoinAsync(
                new JoinRequest { Token = token.Text, CertificateRequest = ByteString.CopyFrom(request) },
                deadline: DateTime.UtcNow + Deadline,
                cancellationToken: cancellation);
        }
        catch (RpcException e)
        {
            throw Refusal(e, host);
        }
    }

    private static async Task<X509Certificate2> FindAuthorityAsync(
        Uri address, string host, JoinToken token, CancellationToken cancellation)
    {
        try
        {
            return await HostTrust.FindAuthorityAsync(address, token.CaSha256, cancellation)
                ?? throw NotTrusted(host, null);
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException
            && !cancellation.IsCancellationRequested)
        {
            throw new JoinException(
                "HOST_UNREACHABLE", $"{host} cannot be reached ({e.Message}): check address, port and firewall.", e);
        }
    }

    private static JoinException NotTrusted(string host, Exception? cause) => new(
        "HOST_NOT_TRUSTED",
        $"{host} did not prove to be the host that made this token: check the address, and that the token is of this "
            + "cloud and not of before its authority was replaced (monolith node token NODE makes another). Nothing was sent.",
        cause);

    private static JoinException Refusal(RpcException e, string host)
    {
        for (Exception? cause = e.Status.DebugException; cause is not null; cause = cause.InnerException)
        {
            if (cause is AuthenticationException) return NotTrusted(host, e);
        }

        var reason = ErrorDetails.ReasonOf(e);
        return e.StatusCode switch
        {
            StatusCode.Unavailable => new JoinException(
                "HOST_UNREACHABLE",
                $"{host} cannot be reached ({e.Status.Detail}): check address, port and firewall.", e),
            StatusCode.DeadlineExceeded => new JoinException(
                "HOST_SILENT", $"{host} did not answer within {Deadline.TotalSeconds:0} s: try again.", e),
            _ => new JoinException(reason ?? e.StatusCode.ToString(), $"The host refused: {e.Status.Detail}", e),
        };
    }
}
