using CsCheck;
using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Agent.Join;

namespace Monolith.Agent.Tests.Join;

public sealed class EnrollmentTests : IDisposable
{
    private readonly string state = Directory.CreateTempSubdirectory("join").FullName;

    public void Dispose() => Directory.Delete(state, recursive: true);

    [Fact]
    public async Task Join_GivesAnIdentityThatItsOwnerAloneReads()
    {
        await using var host = await JoinHost.StartAsync();
        var joined = await Enrollment.JoinAsync(host.Address, host.Token, state, default);
        Assert.Equal(("hv1", "hypervisor"), (joined.Node, joined.Role));
        Assert.Equal(joined, NodeIdentity.Load(state));
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(
                Path.Combine(state, NodeIdentity.FileName)));
        Assert.Equal([NodeIdentity.FileName], Directory.GetFiles(state).Select(Path.GetFileName));
    }

    [Fact]
    public async Task Join_WhoseAnswerWasLost_RepeatsWithTheSameKey()
    {
        await using var host = await JoinHost.StartAsync();
        host.LoseAnswers = 1;
        await Assert.ThrowsAsync<JoinException>(() => Enrollment.JoinAsync(host.Address, host.Token, state, default));
        await Enrollment.JoinAsync(host.Address, host.Token, state, default);
        Assert.Equal(host.KeysSeen[0], host.KeysSeen[1]);
    }

    [Fact]
    public async Task Join_WithAnotherHost_SendsNothing()
    {
        await using var host = await JoinHost.StartAsync();
        await using var other = await JoinHost.StartAsync();
        var fault = await Assert.ThrowsAsync<JoinException>(
            () => Enrollment.JoinAsync(other.Address, host.Token, state, default));
        Assert.Equal("HOST_NOT_TRUSTED", fault.Reason);
        Assert.Empty(other.KeysSeen);
    }

    [Theory]
    [InlineData("TOKEN_USED")]
    [InlineData("TOKEN_EXPIRED")]
    [InlineData("TOKEN_UNKNOWN")]
    [InlineData("TOKEN_OTHER_NODE")]
    public async Task Join_Refused_GivesTheHostsCause(string reason)
    {
        await using var host = await JoinHost.StartAsync();
        host.Refusal = reason;
        var fault = await Assert.ThrowsAsync<JoinException>(
            () => Enrollment.JoinAsync(host.Address, host.Token, state, default));
        Assert.Equal(reason, fault.Reason);
        Assert.Contains("Make a new token", fault.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(state, NodeIdentity.FileName)));
    }

    [Fact]
    public async Task Join_WithNobodyThere_SaysSo()
    {
        await using var host = await JoinHost.StartAsync();
        var (address, token) = (host.Address, host.Token);
        await host.DisposeAsync();
        var fault = await Assert.ThrowsAsync<JoinException>(() => Enrollment.JoinAsync(address, token, state, default));
        Assert.Equal("HOST_UNREACHABLE", fault.Reason);
    }

    /// <summary>The certificate is expired by the time it is used: it is shown all the same, and replaced.</summary>
    [Fact]
    public async Task Renew_WithAnExpiredCertificate_ShowsItAndTakesTheNewOne()
    {
        await using var host = await JoinHost.StartAsync();
        host.CertificateLife = TimeSpan.FromDays(-1);
        var joined = await Enrollment.JoinAsync(host.Address, host.Token, state, default);
        host.CertificateLife = TimeSpan.FromDays(90);
        using var channel = new HostChannel(joined);
        using var expired = joined.OpenCertificate();
        await new Renewal(channel, state, TimeProvider.System, NullLogger.Instance).RenewAsync(default);
        Assert.Equal([expired.Thumbprint], host.ClientsSeen);
        var renewed = NodeIdentity.Load(state);
        Assert.Equal(renewed, channel.Identity);
        Assert.NotEqual(joined.Key, renewed.Key);
        using var certificate = renewed.OpenCertificate();
        Assert.True(certificate.NotAfter > DateTime.Now);
    }

    [Fact]
    public void DueAt_IsBetweenSixTenthsAndTwoThirds() =>
        Gen.Select(Gen.Double[0, 0.999], Gen.Int[1, 400]).Sample((random, days) =>
        {
            var from = DateTimeOffset.UnixEpoch;
            var due = Renewal.DueAt(from, from.AddDays(days), random);
            Assert.InRange((due - from).TotalDays / days, 0.61, 0.667);
        });

    [Fact]
    public void Token_TakesAnyText() =>
        Gen.String.Sample(text => Assert.False(JoinToken.TryParse(text, out _)));

    [Fact]
    public void Token_IsNeverPrintedWithItsSecret()
    {
        Assert.True(JoinToken.TryParse($"mj1.hv1.secret.{new string('a', 64)}", out var token));
        Assert.DoesNotContain("secret", token.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Load_WithoutAnIdentity_SaysHowToJoin()
    {
        var fault = Assert.Throws<JoinException>(() => NodeIdentity.Load(state));
        Assert.Contains("monolith-agent join", fault.Message, StringComparison.Ordinal);
    }
}
