using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using CsCheck;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Monolith.Identity;
using Monolith.Identity.Authority;
using Monolith.Identity.Contracts;
using Monolith.Identity.Secrets;
using Monolith.Modules.Tests.Calls;
using Monolith.Platform.Secrets;
using Monolith.Platform.Storage;

namespace Monolith.Modules.Tests.Identity;

/// <summary>What lies in databases and files is of no use to who has those alone.</summary>
public class SecretsTests
{
    static readonly byte[] Secret = "the password is swordfish"u8.ToArray();

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public void WhatIsSealed_OpensForItsKeyAndPurposeAlone_AndNotWhenAnyBitIsChanged() => Gen.Select(
        Gen.Byte.Array[0, 200], Gen.Byte.Array[32], Gen.String[0, 20], Gen.Int[0, 100_000]).Sample((secret, key, purpose, bit) =>
        {
            var id = Guid.NewGuid();
            var bytes = Sealed.Seal(id, key, purpose, secret);
            Assert.True(Sealed.Is(bytes));
            Assert.Equal(id, Sealed.KeyOf(bytes));
            Assert.Equal(secret, Sealed.Open(key, purpose, bytes));
            Assert.NotEqual(bytes, Sealed.Seal(id, key, purpose, secret));
            Assert.ThrowsAny<CryptographicException>(() => Sealed.Open(key, purpose + "x", bytes));
            Assert.ThrowsAny<CryptographicException>(() => Sealed.Open([.. key[1..], (byte)(key[0] + 1)], purpose, bytes));
            // But for the mark and the key's name, which only say what to open it with.
            var at = 20 + (bit / 8 % (bytes.Length - 20));
            bytes[at] ^= (byte)(1 << (bit % 8));
            Assert.ThrowsAny<CryptographicException>(() => Sealed.Open(key, purpose, bytes));
        });

    [Theory]
    [InlineData("")]
    [InlineData("00")]
    [InlineData("zz00000000000000000000000000000000000000000000000000000000000000")]
    public void WhatIsNoKey_IsSaid_WithoutShowingIt(string text)
    {
        var e = Assert.Throws<InvalidOperationException>(() => KeyEncryptionKey.Parse(text, "/etc/kek"));
        Assert.StartsWith("/etc/kek holds no key", e.Message, StringComparison.Ordinal);
        if (text.Length > 2) Assert.DoesNotContain(text, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AKey_IsNotPrinted()
    {
        var text = Key(1);
        Assert.DoesNotContain(text, KeyEncryptionKey.Parse(text, "x").ToString(), StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(text, new IdentityOptions("/x") { KeyEncryptionKey = new(text, "x") }.ToString(), StringComparison.OrdinalIgnoreCase);
        Assert.Equal(KeyEncryptionKey.Parse(text, "x").Id, KeyEncryptionKey.Parse($" {text.ToUpperInvariant()}\n", "y").Id);
        Assert.NotEqual(KeyEncryptionKey.Parse(text, "x").Id, KeyEncryptionKey.Parse(Key(2), "x").Id);
    }

    /// <summary>A new key takes the place of the old one, which is needed once; what was sealed stays as it is, and opens.</summary>
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task TheOuterKey_IsReplaced_WithoutAnythingBeingSealedAnew(string provider)
    {
        await using var database = await TestDatabases.MakeAsync(provider);
        byte[] old, fresh;
        string authority;
        await using (var host = await StartAsync(database))
        {
            old = host.Secrets.Seal("test", Secret);
            Assert.DoesNotContain("swordfish", Encoding.Latin1.GetString(old), StringComparison.Ordinal);
            Assert.Equal([], host.Secrets.Seal("test", []));
            Assert.Equal(Secret, host.Secrets.Open("test", Secret));
            authority = host.Authority;
        }
        // Made by itself, and readable by nobody else.
        var made = Path.Combine(database.Options.Directory, "kek");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(made));
        await using (var host = await StartAsync(database, Key(1)))
        {
            Assert.Equal(Secret, host.Secrets.Open("test", old));
            fresh = host.Secrets.Seal("test", Secret);
            Assert.NotEqual(Sealed.KeyOf(old), Sealed.KeyOf(fresh));
            Assert.Equal(authority, host.Authority);
        }
        File.Delete(made);
        await using (var host = await StartAsync(database, Key(1)))
        {
            Assert.All([old, fresh], s => Assert.Equal(Secret, host.Secrets.Open("test", s)));
            Assert.Equal(2, await host.KeysAsync());
        }
        var e = await Assert.ThrowsAsync<InvalidOperationException>(() => StartAsync(database, Key(2)));
        Assert.Contains("--kek-before", e.Message, StringComparison.Ordinal);
        Assert.Contains(KeyEncryptionKey.Parse(Key(1), "x").Id.ToString(), e.Message, StringComparison.Ordinal);
        await using (var host = await StartAsync(database, Key(2), before: Key(1)))
            Assert.All([old, fresh], s => Assert.Equal(Secret, host.Secrets.Open("test", s)));
        await using (var host = await StartAsync(database, Key(2)))
            Assert.Equal((3, authority), (await host.KeysAsync(), host.Authority));
    }

    /// <summary>An authority that lay in files, open or sealed, is taken from there, and its key file is gone.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnAuthorityInFiles_IsTakenFromThere(bool isSealed)
    {
        await using var database = await TestDatabases.MakeAsync("sqlite");
        var (path, pem) = (Path.Combine(database.Options.Directory, "ca.key"), Path.Combine(database.Options.Directory, "ca.pem"));
        Directory.CreateDirectory(database.Options.Directory);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = X509CertificateLoader.LoadCertificate(NodeAuthority.SignSelf(key, 1, DateTimeOffset.UtcNow));
        await File.WriteAllTextAsync(path, key.ExportPkcs8PrivateKeyPem(), Stop);
        var e = await Assert.ThrowsAsync<InvalidOperationException>(() => StartAsync(database));
        Assert.Contains("ca.pem is not", e.Message, StringComparison.Ordinal);
        await File.WriteAllTextAsync(pem, certificate.ExportCertificatePem(), Stop);
        await File.WriteAllTextAsync(path, "nothing", Stop);
        e = await Assert.ThrowsAsync<InvalidOperationException>(() => StartAsync(database));
        Assert.Contains("ca.key cannot be read", e.Message, StringComparison.Ordinal);
        await File.WriteAllTextAsync(path, isSealed ? await SealedAsync(database, key) : key.ExportPkcs8PrivateKeyPem(), Stop);
        await using (var host = await StartAsync(database)) Assert.Equal(certificate.Thumbprint, host.Authority);
        Assert.Equal((false, true), (File.Exists(path), File.Exists(path + ".moved")));
        await using (var host = await StartAsync(database)) Assert.Equal(certificate.Thumbprint, host.Authority);
        // A key that is another's, put there since, is nobody's business.
        await File.WriteAllTextAsync(path, "another", Stop);
        await using (var host = await StartAsync(database)) Assert.Equal(certificate.Thumbprint, host.Authority);
        Assert.True(File.Exists(path));
    }

    /// <summary>A database of before the authority was in it, beside files of after.</summary>
    [Fact]
    public async Task ACertificate_WithoutItsKeyAnywhere_IsNotReplacedByAnother()
    {
        await using var database = await TestDatabases.MakeAsync("sqlite");
        Directory.CreateDirectory(database.Options.Directory);
        await File.WriteAllTextAsync(Path.Combine(database.Options.Directory, "ca.pem"), "whatever", Stop);
        var e = await Assert.ThrowsAsync<InvalidOperationException>(() => StartAsync(database));
        Assert.Contains("ca.key.moved", e.Message, StringComparison.Ordinal);
    }

    /// <summary>As a file once had it, sealed by the keys of the database that it belongs to.</summary>
    static async Task<string> SealedAsync(TestDatabase database, ECDsa key)
    {
        await using var host = await ModuleHost.StartAsync(database.Options, (services, directory) =>
        {
            services.AddIdentity(new IdentityOptions(directory));
            // The store's own stays.
            services.Remove(services.Single(s => s.ImplementationType == typeof(IdentityStartUp)));
            services.AddSingleton<IStartUp, KeysAlone>();
        });
        return PemEncoding.WriteString("MONOLITH SEALED PRIVATE KEY",
            host.Services.GetRequiredService<ISecrets>().Seal("identity.ca_key", key.ExportPkcs8PrivateKey()));
    }

    sealed class KeysAlone(Store<IdentityDb> store, DataKeys keys) : IStartUp
    {
        public string Module => store.Module;

        public Task StartAsync(CancellationToken cancel) => keys.OpenAsync(cancel);
    }

    static string Key(int n) => Convert.ToHexStringLower(SHA256.HashData([(byte)n]));

    static async Task<Opened> StartAsync(TestDatabase database, string? key = null, string? before = null) => new(
        await ModuleHost.StartAsync(database.Options, (services, directory) => services.AddIdentity(new IdentityOptions(directory)
        {
            KeyEncryptionKey = key is null ? null : new(key, "--kek"),
            KeyEncryptionKeyBefore = before is null ? null : new(before, "--kek-before"),
        })));

    sealed class Opened(ModuleHost host) : IAsyncDisposable
    {
        public ISecrets Secrets => host.Services.GetRequiredService<ISecrets>();

        public string Authority => host.Services.GetRequiredService<IHostCertificates>().AuthorityFor(null).Thumbprint;

        public Task<int> KeysAsync() => host.Services.GetRequiredService<Store<IdentityDb>>().ReadAsync(db => db.DataKeys.CountAsync());

        public ValueTask DisposeAsync() => host.DisposeAsync();
    }
}
