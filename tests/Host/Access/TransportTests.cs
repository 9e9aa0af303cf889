using System.Diagnostics;
using System.Net.Sockets;
using Monolith.Host.Tests.Cloud;

namespace Monolith.Host.Tests.Access;

/// <summary>What the TLS port agrees to: tried with each protocol and each cipher that OpenSSL knows.</summary>
public sealed class TransportTests(RunningHost host)
{
    static readonly string[] Strong =
    [
        "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
        "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305",
    ];

    [Theory]
    [InlineData("-tls1_2", true)]
    [InlineData("-tls1_3", true)]
    [InlineData("-tls1_1", false)]
    [InlineData("-tls1", false)]
    public async Task Protocols_FromTls12On(string version, bool agreed)
    {
        var (done, said) = await ConnectAsync(version, "-cipher", "ALL:@SECLEVEL=0");
        Assert.True(agreed == done, said);
    }

    [Fact]
    public async Task OfAllThatOpenSslKnows_OnlyAuthenticatedCiphersWithKeysThatAreForgotten_AreTaken()
    {
        var known = (await RunAsync("", "ciphers", "ALL:COMPLEMENTOFALL:@SECLEVEL=0")).Said.Trim().Split(':').Distinct().ToList();
        Assert.True(known.Count > 40, $"OpenSSL knows {known.Count}");
        var taken = new List<string>();
        foreach (var cipher in known)
        {
            var isNew = cipher.StartsWith("TLS_", StringComparison.Ordinal);
            var (done, _) = isNew
                ? await ConnectAsync("-tls1_3", "-ciphersuites", cipher)
                : await ConnectAsync("-tls1_2", "-cipher", cipher + ":@SECLEVEL=0");
            if (done) taken.Add(cipher);
        }
        Assert.Equal(Strong.Order(StringComparer.Ordinal), taken.Order(StringComparer.Ordinal));
    }

    /// <summary>Who says nothing holds nothing: neither a connection nor a place among handshakes.</summary>
    [Fact]
    public async Task PlainText_OnTheTlsPort_IsNoAnswer()
    {
        using var client = new TcpClient();
        await client.ConnectAsync(host.Tls, TestContext.Current.CancellationToken);
        await client.GetStream().WriteAsync("GET / HTTP/1.1\r\n\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
        var answer = new byte[64];
        var read = 0;
        try
        {
            read = await client.GetStream().ReadAsync(answer, TestContext.Current.CancellationToken);
        }
        catch (IOException)
        {
            // It was cut off.
        }
        // A TLS alert at most.
        Assert.True(read == 0 || answer[0] == 0x15, $"{read} bytes, {answer[0]:x}");
    }

    /// <summary>A caller that asks for one handshake after the other on one connection would cost it nothing.</summary>
    [Fact]
    public async Task Renegotiation_AndCompression_AreRefused()
    {
        var (_, said) = await RunAsync("R\n", "s_client", "-connect", host.Tls.ToString(), "-tls1_2");
        Assert.Contains("Compression: NONE", said, StringComparison.Ordinal);
        Assert.Contains("RENEGOTIATING", said, StringComparison.Ordinal);
        // By an alert, or by the end of the connection.
        Assert.True(said.Contains("no renegotiation", StringComparison.Ordinal)
            || said.Contains("unexpected eof", StringComparison.Ordinal), said[^400..]);
    }

    async Task<(bool Done, string Said)> ConnectAsync(params string[] options) =>
        await RunAsync("", ["s_client", "-connect", host.Tls.ToString(), .. options]);

    static async Task<(bool Done, string Said)> RunAsync(string input, params string[] arguments)
    {
        var start = new ProcessStartInfo("openssl")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        await process.StandardInput.WriteAsync(input);
        await process.StandardInput.FlushAsync();
        // Who has said something stays, until it is shown the door.
        if (input.Length == 0) process.StandardInput.Close();
        using var patience = new Timer(_ => process.Kill(), null, TimeSpan.FromSeconds(20), Timeout.InfiniteTimeSpan);
        var said = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return (process.ExitCode == 0 && !said[0].Contains("Cipher is (NONE)", StringComparison.Ordinal), said[0] + said[1]);
    }
}
