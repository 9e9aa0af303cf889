using System.Buffers.Binary;
using System.Diagnostics;
using System.Security.Cryptography;
using CsCheck;
using Monolith.Identity.Contracts;
using Monolith.Identity.Logins;
using Monolith.Modules.Tests.Calls;

namespace Monolith.Modules.Tests.Identity;

/// <summary>Certificates of OpenSSH, as OpenSSH reads them.</summary>
public sealed class LoginTests : IDisposable
{
    static readonly DateTime Begin = new(2026, 3, 1, 12, 0, 0, DateTimeKind.Utc), End = Begin.AddMinutes(5);

    readonly string directory = Directory.CreateTempSubdirectory("monolith-login").FullName;

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(directory, recursive: true);

    [Theory]
    [InlineData("ed25519", 256, "ED25519")]
    [InlineData("ecdsa", 256, "ECDSA")]
    [InlineData("ecdsa", 384, "ECDSA")]
    [InlineData("ecdsa", 521, "ECDSA")]
    [InlineData("rsa", 2048, "RSA")]
    public async Task AKeyOfAnyType_IsSigned_AndSshKeygenReadsWhatWasMeant(string type, int bits, string shown)
    {
        await KeygenAsync("-q", "-t", type, "-b", $"{bits}", "-N", "", "-f", "key");
        using var authority = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var key = SshPublicKey.Parse(Read("key.pub"));
        await File.WriteAllTextAsync(At("key-cert.pub"), SshCertificate.Sign(Order(key), isHost: false, authority) + "\n", Stop);

        var lines = (await KeygenAsync("-L", "-f", "key-cert.pub")).Split('\n', StringSplitOptions.TrimEntries);

        Assert.Contains($"Type: {key.Type}-cert-v01@openssh.com user certificate", lines);
        Assert.Contains($"Public key: {shown}-CERT {key.Fingerprint}", lines);
        Assert.Contains($"Signing CA: ECDSA {PublicKey(authority).Fingerprint} (using ecdsa-sha2-nistp256)", lines);
        Assert.Contains("Key ID: \"users/bob for web1\"", lines);
        Assert.Contains("Serial: 18446744073709551615", lines);
        Assert.Contains("Valid: from 2026-03-01T12:00:00 to 2026-03-01T12:05:00", lines);
        Assert.Equal(["uid:login", "uid:root"], Below(lines, "Principals:", "Critical Options: (none)"));
        Assert.Equal(
            ["permit-X11-forwarding", "permit-agent-forwarding", "permit-port-forwarding", "permit-pty", "permit-user-rc"],
            Below(lines, "Extensions:", ""));
    }

    [Fact]
    public async Task AHostsCertificate_IsOne_AndAllowsNothing()
    {
        await KeygenAsync("-q", "-t", "ed25519", "-N", "", "-f", "key");
        using var authority = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await File.WriteAllTextAsync(At("key-cert.pub"),
            SshCertificate.Sign(Order(SshPublicKey.Parse(Read("key.pub"))), isHost: true, authority) + "\n", Stop);
        var lines = (await KeygenAsync("-L", "-f", "key-cert.pub")).Split('\n', StringSplitOptions.TrimEntries);
        Assert.Contains("Type: ssh-ed25519-cert-v01@openssh.com host certificate", lines);
        Assert.Contains("Extensions: (none)", lines);
    }

    /// <summary>The numbers of a signature are as short as they can be, and positive: one in some hundred begins with zeros.</summary>
    [Fact]
    public async Task EverySignature_IsOneThatSshKeygenTakes()
    {
        await KeygenAsync("-q", "-t", "ed25519", "-N", "", "-f", "key");
        var key = SshPublicKey.Parse(Read("key.pub"));
        using var authority = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var many = Enumerable.Range(0, 600).Select(_ => SshCertificate.Sign(Order(key), isHost: false, authority));
        await File.WriteAllLinesAsync(At("many.pub"), many, Stop);
        // It verifies each as it reads it.
        var shown = await KeygenAsync("-L", "-f", "many.pub");
        Assert.Equal(600, shown.Split("Signing CA: ECDSA").Length - 1);
    }

    /// <summary>What stands after a key's fields would be read as the certificate's own, such as whom it is for.</summary>
    [Fact]
    public void AKeyWithMoreOrLessInIt_IsNone() => Gen.Select(Gen.Byte.Array[1, 200], Gen.Int[0, 50]).Sample((more, less) =>
    {
        byte[] blob = [0, 0, 0, 11, .. "ssh-ed25519"u8, 0, 0, 0, 32, .. new byte[32]];
        Assert.Null(SshPublicKey.TryParse(Line(blob), out _));
        Assert.NotNull(SshPublicKey.TryParse(Line([.. blob, .. more]), out _));
        Assert.NotNull(SshPublicKey.TryParse(Line(blob[..less]), out _));
        var longer = blob.ToArray();
        BinaryPrimitives.WriteInt32BigEndian(longer.AsSpan(15), 33);
        Assert.NotNull(SshPublicKey.TryParse(Line([.. longer, 1]), out _));
        static string Line(byte[] key) => "ssh-ed25519 " + Convert.ToBase64String(key);
    });

    [Theory]
    [InlineData("")]
    [InlineData("ssh-ed25519")]
    [InlineData("ssh-dss AAAAB3NzaC1kc3M=")]
    [InlineData("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==")]
    [InlineData("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAAQA=")]
    [InlineData("ssh-ed25519-cert-v01@openssh.com AAAA")]
    [InlineData("-----BEGIN OPENSSH PRIVATE KEY-----")]
    public void WhatIsNoKey_IsSaid(string line) => Assert.NotNull(SshPublicKey.TryParse(line, out _));

    [Fact]
    public void ACertificate_ThatWouldStandForEverybody_IsNotMade()
    {
        using var authority = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var order = Order(PublicKey(authority));
        foreach (var principals in new string[][] { [], [""], ["a,b"], ["a\nb"] })
            Assert.Throws<ArgumentException>(() => SshCertificate.Sign(order with { Principals = principals }, isHost: false, authority));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task TheKeys_StayTheSame_AndAreTwo(string provider)
    {
        await using var identity = await IdentityFixture.StartAsync(provider);
        var before = identity.Get<ILoginAuthority>();
        Assert.NotEqual(Assert.Single(before.UserKeys), Assert.Single(before.HostKeys));
        await identity.RestartAsync();
        var after = identity.Get<ILoginAuthority>();
        Assert.NotSame(before, after);
        Assert.Equal(before.UserKeys, after.UserKeys);
        Assert.Equal(before.HostKeys, after.HostKeys);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task WhoHoldsAPermission_IsToldWithTheRole(string provider)
    {
        await using var identity = await IdentityFixture.StartAsync(provider);
        var holders = identity.Get<IHolders>();
        Assert.Equal([new Holder("users/admin", "roles/admin", "")], await holders.OfAsync(LoginPermissions.AsRoot, "projects/system/servers/web1"));
        Assert.Empty(await holders.OfAsync("agent.vms.sync", "projects/system/servers/web1"));
    }

    static SshCertificateOrder Order(SshPublicKey key) =>
        new(key, ulong.MaxValue, "users/bob for web1", ["uid:login", "uid:root"], Begin, End);

    static SshPublicKey PublicKey(ECDsa key) =>
        SshPublicKey.Parse("ecdsa-sha2-nistp256 " + Convert.ToBase64String(SshCertificate.PublicKey(key)));

    static IEnumerable<string> Below(string[] lines, string head, string end) =>
        lines.SkipWhile(l => l != head).Skip(1).TakeWhile(l => l != end);

    string At(string name) => Path.Combine(directory, name);

    string Read(string name) => File.ReadAllText(At(name));

    async Task<string> KeygenAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("ssh-keygen", arguments)
        {
            WorkingDirectory = directory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["TZ"] = "UTC" },
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync(Stop);
        var output = await process.StandardOutput.ReadToEndAsync(Stop);
        await process.WaitForExitAsync(Stop);
        Assert.True(process.ExitCode == 0, await errors);
        return output;
    }
}
