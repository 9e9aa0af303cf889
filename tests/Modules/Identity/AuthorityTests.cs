using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using CsCheck;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.Extensions.DependencyInjection;
using Monolith.Agent.V1;
using Monolith.Identity;
using Monolith.Identity.Authority;
using Monolith.Identity.Contracts;
using Monolith.Identity.Logins;
using Monolith.Identity.V1;
using Monolith.Modules.Tests.Calls;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Storage;
using Monolith.Protos;
using NodeService = Monolith.Identity.Nodes.NodeService;
using State = Monolith.Identity.V1.CertificateAuthority.Types.State;
using Use = Monolith.Identity.V1.CertificateAuthority.Types.Use;

namespace Monolith.Modules.Tests.Identity;

/// <summary>One authority takes the place of another, and nobody is cut off.</summary>
public sealed class AuthorityTests
{
    const string First = "certificateAuthorities/nodes-1", Second = "certificateAuthorities/nodes-2";

    /// <summary>A cloud, and machines that do what agents do.</summary>
    sealed class Scene(IdentityFixture identity)
    {
        public List<Machine> Machines { get; } = [];

        public AuthorityService Service => field ??= identity.Make<AuthorityService>();

        public async Task<Machine> JoinAsync(string name)
        {
            var machine = new Machine(identity, name);
            await machine.JoinAsync(await identity.Get<IJoinTokens>().CreateAsync(name, NodeKind.Hypervisor, default));
            Machines.Add(machine);
            return machine;
        }

        public async Task<CertificateAuthority> CreateAsync(Use use = Use.Nodes) =>
            await Service.CreateCertificateAuthority(new() { CertificateAuthority = new() { Use = use } }, By);

        public async Task<CertificateAuthority> ActivateAsync(string name, bool force = false) =>
            await Service.ActivateCertificateAuthority(new() { Name = name, Force = force }, By);

        public async Task DeleteAsync(string name, bool force = false) => await Service.DeleteCertificateAuthority(new() { Name = name, Force = force }, By);

        public async Task<CertificateAuthority> GetAsync(string name) => await Service.GetCertificateAuthority(new() { Name = name }, By);

        public async Task<IReadOnlyList<CertificateAuthority>> AllAsync() =>
            (await Service.ListCertificateAuthorities(new(), By)).CertificateAuthorities;

        FakeCall By => identity.As(identity.Admin);
    }

    sealed class Machine(IdentityFixture identity, string name)
    {
        X509Certificate2 shown = null!;
        List<string> trusted = [];
        string signer = "";

        public string Name => "nodes/" + name;

        public Caller? Caller => identity.Authentication.AuthenticateNode(shown, out _);

        /// <summary>Whether it can believe a host, which shows it what it asks for.</summary>
        public bool Believes
        {
            get
            {
                var shownByHost = identity.Get<IHostCertificates>().AuthorityFor(AuthorityName.Of(signer));
                return trusted.Contains(Digest(shownByHost.RawData));
            }
        }

        public string SignedBy => shown.Issuer;

        public bool Trusts(string fingerprint) => trusted.Contains(fingerprint);

        public async Task JoinAsync(string token)
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var joined = await identity.Get<NodeService>().Join(
                new JoinRequest { Token = token, CertificateRequest = Request(key) }, identity.As(Caller.Anonymous));
            Take(joined.Certificate, joined.CaCertificate, joined.OtherCaCertificates);
        }

        /// <summary>Asks whom to trust; does not renew.</summary>
        /// <returns>Whether it is to renew.</returns>
        public async Task<bool> LookAsync()
        {
            var answer = await AskAsync();
            trusted = [.. answer.CaCertificates.Select(c => Digest(c.Span))];
            await AskAsync();
            return answer.Renew;
        }

        public async Task RenewAsync()
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var renewed = await identity.Get<NodeService>().RenewCertificate(
                new RenewCertificateRequest { CertificateRequest = Request(key) }, identity.As(Caller!));
            Take(renewed.Certificate, renewed.CaCertificate, renewed.OtherCaCertificates);
        }

        async Task<GetAuthoritiesResponse> AskAsync() => await identity.Get<NodeService>().GetAuthorities(
            new GetAuthoritiesRequest { CertifiedBySha256 = signer, TrustedSha256 = { trusted } }, identity.As(Caller!));

        void Take(ByteString certificate, ByteString by, IEnumerable<ByteString> others)
        {
            shown = X509CertificateLoader.LoadCertificate(certificate.Span);
            signer = Digest(by.Span);
            trusted = [.. others.Prepend(by).Select(c => Digest(c.Span))];
        }

        static ByteString Request(ECDsa key) =>
            ByteString.CopyFrom(new CertificateRequest("CN=whatever", key, HashAlgorithmName.SHA256).CreateSigningRequest());

        static string Digest(ReadOnlySpan<byte> der) => Convert.ToHexStringLower(SHA256.HashData(der));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task StepByStep_ANewOneSigns_AndTheOldOneGoes_WhenNobodyNeedsIt(string provider)
    {
        await using var identity = await IdentityFixture.StartAsync(provider);
        var scene = new Scene(identity);
        var (here, away) = (await scene.JoinAsync("here"), await scene.JoinAsync("away"));
        var before = identity.Get<IHostCertificates>().AuthorityFor(null);

        var next = await scene.CreateAsync();
        Assert.Equal((Second, State.Next, 2), (next.Name, next.State, next.PendingNodeCount));
        Assert.Equal(before, identity.Get<IHostCertificates>().AuthorityFor(null));
        Assert.Equal(2, identity.Get<IHostCertificates>().Trusted.Count);
        Assert.False(await here.LookAsync());
        Assert.Equal([away.Name], (await scene.GetAsync(Second)).PendingNodes);
        var fault = await Assert.ThrowsAsync<Fault>(() => scene.ActivateAsync(Second));
        Assert.Equal("NOT_READY", fault.Reason);
        Assert.Contains("1 node may not trust it yet: away. Agents ask every ten minutes", fault.Message, StringComparison.Ordinal);

        Assert.False(await away.LookAsync());
        Assert.Equal(State.Signing, (await scene.ActivateAsync(Second)).State);
        Assert.Equal(State.Signing, (await scene.ActivateAsync(Second)).State);
        Assert.NotEqual(before, identity.Get<IHostCertificates>().AuthorityFor(null));
        Assert.All(scene.Machines, m => Assert.True(m.Believes && m.Caller is not null));
        var former = await scene.GetAsync(First);
        Assert.Equal((State.Former, 2), (former.State, former.PendingNodeCount));

        Assert.True(await here.LookAsync());
        await here.RenewAsync();
        Assert.False(await here.LookAsync());
        fault = await Assert.ThrowsAsync<Fault>(() => scene.DeleteAsync(First));
        Assert.Contains("away", fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("here", fault.Message, StringComparison.Ordinal);
        // It was off for longer than its certificate was good.
        identity.Time.Advance(TimeSpan.FromDays(400));
        Assert.True(away.Believes);
        await away.RenewAsync();
        Assert.False(await away.LookAsync());
        await scene.DeleteAsync(First);
        Assert.Single(identity.Get<IHostCertificates>().Trusted);
        Assert.Equal([Second], (await scene.AllAsync()).Where(a => a.Use == Use.Nodes).Select(a => a.Name));
        // A file for people's clients follows.
        Assert.Equal((await scene.GetAsync(Second)).PublicKey,
            await File.ReadAllTextAsync(Path.Combine(Path.GetDirectoryName(identity.TokenPath)!, "ca.pem"), TestContext.Current.CancellationToken));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task WhatWouldBeWrong_IsRefusedWithItsReason(string provider)
    {
        await using var identity = await IdentityFixture.StartAsync(provider);
        var scene = new Scene(identity);
        await RefusedAsync("AUTHORITY_SIGNS", () => scene.DeleteAsync(First, force: true));
        await scene.CreateAsync();
        await RefusedAsync("NEXT_EXISTS", () => scene.CreateAsync());
        await scene.DeleteAsync(Second);
        var again = await scene.CreateAsync();
        await scene.ActivateAsync(again.Name);
        await RefusedAsync("AUTHORITY_FORMER", () => scene.ActivateAsync(First, force: true));
        for (var n = 3; n <= AuthorityRules.MostOfAUse; n++) await scene.ActivateAsync((await scene.CreateAsync()).Name);
        await RefusedAsync("TOO_MANY_AUTHORITIES", () => scene.CreateAsync());
        Assert.Equal(StatusCode.NotFound, (await Assert.ThrowsAsync<Fault>(() => scene.ActivateAsync("certificateAuthorities/none"))).Code);
        Assert.Equal(StatusCode.InvalidArgument, (await Assert.ThrowsAsync<Fault>(() => scene.CreateAsync(Use.Unspecified))).Code);

        static async Task RefusedAsync(string reason, Func<Task> work)
        {
            var fault = await Assert.ThrowsAsync<Fault>(work);
            Assert.Equal((reason, StatusCode.FailedPrecondition), (fault.Reason, fault.Code));
        }
    }

    /// <summary>Whoever stole the old key has nothing from the moment on: nor has who did not renew in time.</summary>
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AnAuthorityThatIsDeletedByForce_IsBelievedNoMore_OnAnyHost(string provider)
    {
        await using var identity = await IdentityFixture.StartAsync(provider);
        await using var other = await identity.OtherAsync();
        var scene = new Scene(identity);
        var node = await scene.JoinAsync("hv1");
        var elsewhere = other.GetRequiredService<IHostCertificates>();
        var stale = await identity.Get<IJoinTokens>().CreateAsync("hv2", NodeKind.Hypervisor, default);
        await scene.CreateAsync();
        await scene.ActivateAsync(Second, force: true);
        Assert.NotNull(node.Caller);
        await scene.DeleteAsync(First, force: true);
        Assert.Null(node.Caller);
        var late = new Machine(identity, "hv2");
        Assert.Equal("TOKEN_UNKNOWN", (await Assert.ThrowsAsync<Fault>(() => late.JoinAsync(stale))).Reason);
        await identity.HoldsWithinASecondAsync(() => elsewhere.Trusted.Count == 1
            && elsewhere.AuthorityFor(null).Equals(identity.Get<IHostCertificates>().AuthorityFor(null)));
    }

    /// <summary>What was made for a machine before the change, it may use after it.</summary>
    [Fact]
    public async Task AJoinToken_OfBefore_IsGoodAfter_AndTheNodeTrustsBoth()
    {
        await using var identity = await IdentityFixture.StartAsync("sqlite");
        var scene = new Scene(identity);
        var token = await identity.Get<IJoinTokens>().CreateAsync("hv1", NodeKind.Hypervisor, default);
        await scene.CreateAsync();
        await scene.ActivateAsync(Second);
        var machine = new Machine(identity, "hv1");
        await machine.JoinAsync(token);
        Assert.NotNull(machine.Caller);
        Assert.EndsWith("authority 2", machine.SignedBy, StringComparison.Ordinal);
        Assert.Empty((await scene.GetAsync(First)).PendingNodes);
        Assert.False(await machine.LookAsync());
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task OfLogins_BothAreTrusted_AndTimeSaysWhenEachStepIsHarmless(string provider)
    {
        await using var identity = await IdentityFixture.StartAsync(provider);
        var scene = new Scene(identity);
        var logins = identity.Get<ILoginAuthority>();
        var (user, host) = (logins.UserKeys[0], logins.HostKeys[0]);
        var next = await scene.CreateAsync(Use.Logins);
        Assert.Equal([user.ToString(), next.PublicKey], logins.UserKeys.Select(k => k.ToString()));
        Assert.Equal([host], logins.HostKeys);
        Assert.Equal("NOT_READY", (await Assert.ThrowsAsync<Fault>(() => scene.ActivateAsync(next.Name))).Reason);
        identity.Time.Advance(LoginLifetimes.GuestsAskWithin);
        await scene.ActivateAsync(next.Name);
        Assert.Equal([next.PublicKey, user.ToString()], logins.UserKeys.Select(k => k.ToString()));
        var former = "certificateAuthorities/logins-1";
        Assert.Equal("NOT_READY", (await Assert.ThrowsAsync<Fault>(() => scene.DeleteAsync(former))).Reason);
        identity.Time.Advance(LoginLifetimes.LongestOfUsers);
        await scene.DeleteAsync(former);
        Assert.Equal([next.PublicKey], logins.UserKeys.Select(k => k.ToString()));
        // Guests need nothing for this one; what they have is good for long.
        next = await scene.CreateAsync(Use.Servers);
        await scene.ActivateAsync(next.Name);
        Assert.Equal([next.PublicKey, host.ToString()], logins.HostKeys.Select(k => k.ToString()));
        Assert.Equal("NOT_READY", (await Assert.ThrowsAsync<Fault>(() => scene.DeleteAsync("certificateAuthorities/servers-1"))).Reason);
        identity.Time.Advance(LoginLifetimes.OfHosts);
        await scene.DeleteAsync("certificateAuthorities/servers-1");
    }

    /// <summary>Servers trust it already: what was in a table of its own before is an authority like the others.</summary>
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task TheKeysOfLogins_ThatWereThereBefore_GoOn(string provider)
    {
        const string Columns = "login_keys (\"Use\", \"SealedKey\", \"CreateTime\") VALUES ({0}, {1}, {2})";
        const string Sqlite = "INSERT INTO " + Columns, Postgres = "INSERT INTO identity." + Columns;
        var database = await TestDatabases.MakeAsync(provider);
        using var user = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var server = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await using (var storage = new Database(database.Options, "identity"))
        await using (IdentityDb db = provider == "sqlite" ? new SqliteIdentityDb(storage.ReadOptions) : new PostgresIdentityDb(storage.ReadOptions))
        {
            await db.GetService<IMigrator>().MigrateAsync("Federation", TestContext.Current.CancellationToken);
            foreach (var (use, key) in new[] { ("user", user), ("host", server) })
                await db.Database.ExecuteSqlRawAsync(provider == "sqlite" ? Sqlite : Postgres, [use, key.ExportPkcs8PrivateKey(), DateTime.UtcNow],
                    TestContext.Current.CancellationToken);
        }
        await using var identity = await IdentityFixture.StartAsync(database);
        var logins = identity.Get<ILoginAuthority>();
        Assert.Equal([Ssh(user)], logins.UserKeys.Select(k => k.ToString()));
        Assert.Equal([Ssh(server)], logins.HostKeys.Select(k => k.ToString()));
        var scene = new Scene(identity);
        Assert.Equal(["certificateAuthorities/logins-1", First, "certificateAuthorities/servers-1"], (await scene.AllAsync()).Select(a => a.Name).Order());
        Assert.Equal("certificateAuthorities/logins-2", (await scene.CreateAsync(Use.Logins)).Name);

        static string Ssh(ECDsa key) => "ecdsa-sha2-nistp256 " + Convert.ToBase64String(SshCertificate.PublicKey(key));
    }

    /// <summary>Agents that say nothing of whom they trust, as those of before, are not cut off either.</summary>
    [Fact]
    public async Task WhoNeverSaidAnything_IsWaitedFor()
    {
        await using var identity = await IdentityFixture.StartAsync("sqlite");
        var scene = new Scene(identity);
        var silent = await scene.JoinAsync("silent");
        await scene.CreateAsync();
        Assert.Equal([silent.Name], (await scene.GetAsync(Second)).PendingNodes);
        await scene.ActivateAsync(Second, force: true);
        Assert.Equal([silent.Name], (await scene.GetAsync(First)).PendingNodes);
        await identity.Get<Store<IdentityDb>>().ReadAsync(db => db.Nodes.ExecuteUpdateAsync(n => n.SetProperty(x => x.CertifiedBy, "")));
        Assert.Equal([silent.Name], (await scene.GetAsync(First)).PendingNodes);
        Assert.Equal("NOT_READY", (await Assert.ThrowsAsync<Fault>(() => scene.DeleteAsync(First))).Reason);
    }

    /// <summary>One is deleted before it signed; the next has its name, and another key.</summary>
    [Fact]
    public async Task WhoTrustedOneThatIsGone_DoesNotTrustTheNextOfItsName()
    {
        await using var identity = await IdentityFixture.StartAsync("sqlite");
        var scene = new Scene(identity);
        var node = await scene.JoinAsync("hv1");
        var gone = await scene.CreateAsync();
        await node.LookAsync();
        await scene.DeleteAsync(gone.Name);
        var again = await scene.CreateAsync();
        Assert.Equal(gone.Name, again.Name);
        Assert.NotEqual(gone.Fingerprint, again.Fingerprint);
        Assert.Equal([node.Name], again.PendingNodes);
        Assert.Equal(2, identity.Get<IHostCertificates>().Trusted.Count);
        Assert.Equal("NOT_READY", (await Assert.ThrowsAsync<Fault>(() => scene.ActivateAsync(again.Name))).Reason);
        await node.LookAsync();
        Assert.Equal(again.Fingerprint, (await scene.ActivateAsync(again.Name)).Fingerprint);
        Assert.True(node.Trusts(again.Fingerprint));
    }

    /// <summary>Whatever operators and nodes do in whatever order: without force nobody is cut off, and one signs.</summary>
    [Fact]
    public Task WithoutForce_NoOrderOfSteps_CutsOffANode() => Gen.Int[0, 99].Array[1, 60].SampleAsync(async steps =>
    {
        await using var identity = await IdentityFixture.StartAsync("sqlite");
        var scene = new Scene(identity);
        foreach (var (step, i) in steps.Select((s, i) => (s, i)))
        {
            var machine = scene.Machines.Count > 0 ? scene.Machines[step % scene.Machines.Count] : null;
            var all = (await scene.AllAsync()).Where(a => a.Use == Use.Nodes).ToList();
            try
            {
                await ((step / 10) switch
                {
                    0 => scene.JoinAsync("hv" + i),
                    1 => scene.CreateAsync(),
                    2 or 3 => scene.ActivateAsync(all[step % all.Count].Name),
                    4 or 5 => scene.DeleteAsync(all[step % all.Count].Name),
                    6 or 7 => machine?.LookAsync() ?? Task.CompletedTask,
                    8 => machine?.RenewAsync() ?? Task.CompletedTask,
                    _ => Task.Run(() => identity.Time.Advance(TimeSpan.FromDays(40))),
                });
            }
            catch (Fault e) when (e.Code == StatusCode.FailedPrecondition)
            {
                // It would have cut somebody off, or makes no sense.
            }
            all = [.. (await scene.AllAsync()).Where(a => a.Use == Use.Nodes)];
            var signing = Assert.Single(all, a => a.State == State.Signing);
            Assert.All(scene.Machines, m => Assert.True(m.Trusts(signing.Fingerprint), m.Name + " does not trust the one that signs"));
            Assert.True(all.Count(a => a.State == State.Next) <= 1);
            Assert.All(scene.Machines, m => Assert.True(m.Believes, m.Name + " believes no host"));
            Assert.All(scene.Machines, m => Assert.True(m.Caller is not null, m.Name + " is not believed"));
        }
    }, iter: 40, threads: 2);
}
