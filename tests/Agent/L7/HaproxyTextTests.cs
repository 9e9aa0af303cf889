using CsCheck;
using Monolith.Agent.L7;

namespace Monolith.Agent.Tests.L7;

public sealed class HaproxyTextTests
{
    [Fact]
    public void Stats_Servers_AreReadByColumnName()
    {
        const string csv = """"
            # pxname,svname,scur,stot,status,weight,check_status,last_chk,
            lb.80,FRONTEND,1,9,OPEN,,,,
            lb.web.http,a,1,5,UP,100,L7OK,"OK, ""fine""",
            lb.web.http,b,0,4,DOWN 1/2,100,L4CON,Connection refused,
            lb.web.http,c,0,0,MAINT,100,,,
            lb.web.http,d,0,0,UP,0,,,
            lb.web.http,e,0,0,no check,1,,,
            lb.web.http,f,0,0,DRAIN,1,,,
            lb.web.http,g,0,0,UP,1,* INI,,
            lb.web.http,BACKEND,1,9,UP,200,,,

            """";
        var stats = HaproxyText.Stats(csv);
        Assert.Equal(new HaproxyStat("lb.web.http", "a", "UP", 100, "L7OK OK, \"fine\"", 1, 5), stats[0]);
        Assert.Equal(
            [MemberHealth.Up, MemberHealth.Down, MemberHealth.Disabled, MemberHealth.Draining, MemberHealth.Unchecked,
                MemberHealth.Draining, MemberHealth.Unknown],
            stats.Select(s => s.Health));
    }

    [Fact]
    public void Processes_OldWorkers_AreNotCounted()
    {
        const string text = """
            #<PID>          <type>          <reloads>       <uptime>        <version>
            4948            master          5 [failed: 2]   0d00h00m03s     2.6.12-1+deb12u4
            # workers
            4951            worker          0               0d00h00m03s     2.6.12-1+deb12u4
            # old workers
            4001            worker          3               0d00h00m43s     2.6.12-1+deb12u4
            # programs

            """;
        var processes = HaproxyText.Processes(text);
        Assert.Equal(2, processes.FailedReloads);
        Assert.Equal([4951], processes.Workers);
    }

    [Theory]
    [InlineData(
        "[NOTICE]   (1) : x\n[ALERT]    (1) : config : parsing [haproxy.cfg.new:LINE] : unknown keyword", "lb2")]
    [InlineData("[ALERT]    (1) : Binding [haproxy.cfg:LINE] for frontend lb2.81: cannot bind", "lb2")]
    [InlineData("[ALERT]    (1) : config : proxy 'lb1.web.http' is broken", "lb1")]
    [InlineData("[ALERT]    (1) : config : parsing [haproxy.cfg:2] : 'global' is broken", null)]
    [InlineData("[ALERT]    (1) : config : parsing [haproxy.cfg:99999] : x", null)]
    [InlineData("killed", null)]
    public void Blame_Alert_FindsWhoseLineItIs(string output, string? owner)
    {
        var config = HaproxyConfig.Build(
            [Balancers.Plan("lb1", 80, Balancers.Member("a")), Balancers.Plan("lb2", 81, Balancers.Member("a"))],
            new HaproxyHost(null, null, null));
        var line = Array.IndexOf(config.Text.Split('\n'), "  bind 127.0.0.1:81") + 1;
        var (blamed, cause) = HaproxyText.Blame(output.Replace("LINE", $"{line}", StringComparison.Ordinal), config);
        Assert.Equal(owner, blamed?.Value);
        Assert.NotEmpty(cause);
        Assert.DoesNotContain("ALERT", cause, StringComparison.Ordinal);
    }

    [Fact]
    public void AnyText_IsReadWithoutFailure()
    {
        var config = HaproxyConfig.Build([], new HaproxyHost(null, null, null));
        Gen.String.Sample(text =>
            HaproxyText.Stats("# pxname,svname\n" + text).Count >= 0
            && HaproxyText.Processes("# workers\n" + text).Workers.Count >= 0
            && HaproxyText.Blame("[ALERT] (1) : " + text, config).Owner is null);
    }

    [Fact]
    public void Fields_AnyFields_ComeBack() =>
        Gen.String.Array[1, 8].Sample(fields =>
            HaproxyText.Fields(string.Join(
                ',', fields.Select(f => $"\"{f.Replace("\"", "\"\"", StringComparison.Ordinal)}\"")))
                .SequenceEqual(fields));
}
