using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Monolith.Cli.Session;
using Monolith.Cli.Tests.Fake;

namespace Monolith.Cli.Tests;

/// <summary>A connection that cannot be made says which of the ends is wrong, and what to change.</summary>
public sealed class ConnectionTests
{
    static X509Certificate2 Certificate(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        if (IPAddress.TryParse(name, out var address))
            names.AddIpAddress(address);
        else
            names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    static string Pem(Shell shell, X509Certificate2 certificate)
    {
        var file = shell.FileAt("ca.pem");
        File.WriteAllText(file, certificate.ExportCertificatePem());
        return file;
    }

    static async Task<Outcome> ListAsync(Shell shell, params string[] more) =>
        await shell.RunAsync(["server", "list", "-p", "demo", .. more]);

    static void Unavailable(Outcome outcome, params string[] said)
    {
        Assert.Equal(ExitCode.TryLater, outcome.Code);
        Assert.StartsWith("error: UNAVAILABLE: ", outcome.Error, StringComparison.Ordinal);
        Assert.All(said, words => Assert.Contains(words, outcome.Error, StringComparison.Ordinal));
    }

    [Fact]
    public async Task ACaThatIssuedTheCertificate_IsTrusted_WithoutAScheme()
    {
        using var certificate = Certificate("127.0.0.1");
        await using var cloud = await Cloud.StartAsync(certificate);
        using var shell = new Shell();
        var authority = new Uri(cloud.Endpoint).Authority;
        var outcome = await ListAsync(shell, "--endpoint", authority, "--ca", Pem(shell, certificate));
        Assert.Equal((ExitCode.Done, ""), (outcome.Code, outcome.Error));
    }

    [Fact]
    public async Task AnUnknownCertificate_AsksForTheCa()
    {
        using var certificate = Certificate("127.0.0.1");
        await using var cloud = await Cloud.StartAsync(certificate);
        using var shell = Shell.Of(cloud);
        Unavailable(await ListAsync(shell), "is not trusted", "--ca FILE", "ca.pem");
    }

    [Fact]
    public async Task AnotherCa_IsNamed()
    {
        using var certificate = Certificate("127.0.0.1");
        using var other = Certificate("127.0.0.1");
        await using var cloud = await Cloud.StartAsync(certificate);
        using var shell = Shell.Of(cloud);
        Unavailable(await ListAsync(shell, "--ca", Pem(shell, other)), "is not trusted", "ca.pem did not issue it");
    }

    [Fact]
    public async Task AnotherName_IsNamed()
    {
        using var certificate = Certificate("elsewhere.example");
        await using var cloud = await Cloud.StartAsync(certificate);
        using var shell = Shell.Of(cloud);
        Unavailable(await ListAsync(shell, "--ca", Pem(shell, certificate)), "--tls-name 127.0.0.1");
    }

    [Fact]
    public async Task PlaintextToTls_AndTlsToPlaintext_SayTheScheme()
    {
        using var certificate = Certificate("127.0.0.1");
        await using var secure = await Cloud.StartAsync(certificate);
        await using var plain = await Cloud.StartAsync();
        using var shell = new Shell();
        var (tls, clear) = (new Uri(secure.Endpoint).Authority, new Uri(plain.Endpoint).Authority);
        Unavailable(await ListAsync(shell, "--endpoint", $"http://{tls}"), $"https://{tls}");
        Unavailable(await ListAsync(shell, "--endpoint", $"https://{clear}"), $"http://{clear}");
    }
}
