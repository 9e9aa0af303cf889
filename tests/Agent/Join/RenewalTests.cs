using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Monolith.Agent.Join;

namespace Monolith.Agent.Tests.Join;

/// <summary>Whom a node trusts, while authorities take each other's place.</summary>
public sealed class RenewalTests : IDisposable
{
    private readonly string state = Directory.CreateTempSubdirectory("renewal").FullName;

    public void Dispose() => Directory.Delete(state, recursive: true);

    [Fact]
    public async Task WithNothingNew_NothingIsWritten()
    {
        await using var host = await JoinHost.StartAsync();
        using var channel = new HostChannel(await JoinAsync(host));
        Assert.False(await Renewal(channel).LookAsync(default));
        Assert.Equal([[host.DigestOf(0)]], host.TrustedSeen);
        Assert.Equal(channel.Identity, NodeIdentity.Load(state));
    }

    [Fact]
    public async Task TheNextAuthority_IsTrusted_BeforeTheHostShowsIt()
    {
        await using var host = await JoinHost.StartAsync();
        using var channel = new HostChannel(await JoinAsync(host));
        host.AddAuthority();
        Assert.False(await Renewal(channel).LookAsync(default));
        // What it keeps is told, once it is on disk.
        Assert.Equal([[host.DigestOf(0)], [host.DigestOf(0), host.DigestOf(1)]], host.TrustedSeen);
        Assert.Equal(channel.Identity, NodeIdentity.Load(state));
        Assert.Equal([host.DigestOf(0), host.DigestOf(1)], Digests(channel.Identity));
        // The certificate is the old one still.
        Assert.Equal(0, host.SignerOf(channel.Identity));
    }

    [Fact]
    public async Task WhenTheNextOneSigns_TheCertificateIsRenewed_AndWhenTheFormerGoes_ItIsForgotten()
    {
        await using var host = await JoinHost.StartAsync();
        using var channel = new HostChannel(await JoinAsync(host));
        var renewal = Renewal(channel);
        host.AddAuthority();
        await renewal.LookAsync(default);
        host.Signing = 1;
        Assert.True(await renewal.LookAsync(default));
        Assert.Equal(1, host.SignerOf(channel.Identity));
        Assert.Equal([host.DigestOf(1), host.DigestOf(0)], Digests(channel.Identity));
        host.Forget(0);
        Assert.False(await renewal.LookAsync(default));
        Assert.Equal([host.DigestOf(1)], Digests(NodeIdentity.Load(state)));
        Assert.False(await renewal.LookAsync(default));
    }

    /// <summary>It was off from before the next authority was made until after it signed.</summary>
    [Fact]
    public async Task ANodeThatWasAway_IsShownACertificateThatItBelieves_AndCatchesUp()
    {
        await using var host = await JoinHost.StartAsync();
        var joined = await JoinAsync(host);
        host.AddAuthority();
        host.Signing = 1;
        using var channel = new HostChannel(joined);
        Assert.True(await Renewal(channel).LookAsync(default));
        Assert.Equal(1, host.SignerOf(channel.Identity));
    }

    [Fact]
    public async Task AToken_OfTheFormerAuthority_StillJoins()
    {
        await using var host = await JoinHost.StartAsync();
        var token = host.Token;
        host.AddAuthority();
        host.Signing = 1;
        var joined = await Enrollment.JoinAsync(host.Address, token, state, default);
        Assert.Equal(1, host.SignerOf(joined));
        Assert.Equal([host.DigestOf(1), host.DigestOf(0)], Digests(joined));
    }

    /// <summary>A host that names nobody, by whatever mistake, does not cut itself off.</summary>
    [Fact]
    public async Task WhoeverSignedItsCertificate_IsNotForgotten()
    {
        await using var host = await JoinHost.StartAsync();
        using var channel = new HostChannel(await JoinAsync(host));
        host.AddAuthority();
        host.Tells = [1];
        Assert.False(await Renewal(channel).LookAsync(default));
        Assert.Equal([host.DigestOf(0)], Digests(channel.Identity));
    }

    [Fact]
    public async Task ItLooks_SoonAfterItsStart_AndEveryTenMinutes()
    {
        await using var host = await JoinHost.StartAsync();
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        using var channel = new HostChannel(await JoinAsync(host));
        using var stop = new CancellationTokenSource();
        var running = new Renewal(channel, state, time, NullLogger.Instance).RunAsync(stop.Token);
        foreach (var (wait, looks) in new[] { (TimeSpan.FromSeconds(10), 1), (TimeSpan.FromMinutes(11), 2), (TimeSpan.FromMinutes(11), 3) })
        {
            // A timer begins when the answer is there.
            while (host.TrustedSeen.Count < looks)
            {
                time.Advance(wait / 10);
                await Task.Yield();
            }
        }

        await stop.CancelAsync();
        await running;
        Assert.InRange((time.GetUtcNow() - time.Start).TotalMinutes, 18, 60);
    }

    private Task<NodeIdentity> JoinAsync(JoinHost host) => Enrollment.JoinAsync(host.Address, host.Token, state, default);

    private Renewal Renewal(HostChannel channel) => new(channel, state, TimeProvider.System, NullLogger.Instance);

    private static IEnumerable<string> Digests(NodeIdentity identity) => identity.OpenAuthorities().Select(HostTrust.DigestOf);
}
