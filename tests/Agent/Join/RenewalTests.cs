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
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow + TimeSpan.FromDays(40));
        var clock = new Clock(time);
        using var channel = new HostChannel(await JoinAsync(host));
        using var stop = new CancellationTokenSource();
        var running = new Renewal(channel, state, clock, NullLogger.Instance).RunAsync(stop.Token);
        await LookedAsync(within: TimeSpan.FromSeconds(10));
        for (var minute = 0; minute < 8; minute++)
        {
            time.Advance(TimeSpan.FromMinutes(1));
            await Task.Yield();
        }

        // By itself it has asked once.
        Assert.False(await Renewal(channel).LookAsync(default));
        Assert.Equal(2, host.TrustedSeen.Count);
        await host.Looked.WaitAsync(TestContext.Current.CancellationToken);
        await LookedAsync(within: TimeSpan.FromMinutes(4));
        // It never trusts a time that is far off: somebody puts the clock right.
        clock.Offset = TimeSpan.FromDays(-30);
        await LookedAsync(within: TimeSpan.FromMinutes(12));
        await stop.CancelAsync();
        await running;

        // In steps, since a timer that is set late is set for later.
        async Task LookedAsync(TimeSpan within)
        {
            for (var step = 0; step < 1_000; step++)
            {
                if (await host.Looked.WaitAsync(TimeSpan.FromMilliseconds(5), TestContext.Current.CancellationToken)) return;
                time.Advance(within / 10);
            }

            Assert.Fail("it did not ask");
        }
    }

    /// <summary>Its hands can be set; timers go by the pendulum.</summary>
    private sealed class Clock(FakeTimeProvider pendulum) : TimeProvider
    {
        public TimeSpan Offset { get; set; }

        public override DateTimeOffset GetUtcNow() => pendulum.GetUtcNow() + Offset;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            pendulum.CreateTimer(callback, state, dueTime, period);
    }

    private Task<NodeIdentity> JoinAsync(JoinHost host) => Enrollment.JoinAsync(host.Address, host.Token, state, default);

    private Renewal Renewal(HostChannel channel) => new(channel, state, TimeProvider.System, NullLogger.Instance);

    private static IEnumerable<string> Digests(NodeIdentity identity) => identity.OpenAuthorities().Select(HostTrust.DigestOf);
}
