using System.Text;
using CsCheck;
using Monolith.Agent.Routing;

namespace Monolith.Agent.Tests.Routing;

/// <summary>On what BIRD 2.0.12 wrote to its control socket.</summary>
public sealed class BirdTablesTests
{
    [Fact]
    public void Sessions_AreTheBgpOnes_WithTheirBfd()
    {
        var sessions = BirdTables.Sessions(Captured("protocols"), Captured("bfd"));

        Assert.Equal(["tor1", "lonely"], sessions.Select(s => s.Name));
        Assert.True(sessions[0].Established);
        Assert.Equal("fe80::1%up1", sessions[0].Neighbor);
        Assert.Equal(BfdState.Up, sessions[0].Bfd);
        Assert.Equal("06:04:38.889", sessions[0].Since);
        Assert.False(sessions[1].Established);
        Assert.Equal(BfdState.None, sessions[1].Bfd);
        Assert.Equal("10.9.9.9", sessions[1].Neighbor);
    }

    [Fact]
    public void ADateWithATime_IsOneSince()
    {
        Assert.True(BirdReply.TryParse(
            ["1002-tor2       BGP        ---        start  2026-11-24 06:04:38  Active        Socket: No route to host",
                "0000 "],
            out var reply));

        var session = Assert.Single(BirdTables.Sessions(reply, new BirdReply(0, [])));

        Assert.Equal(("tor2", "Active", "2026-11-24 06:04:38"), (session.Name, session.State, session.Since));
    }

    [Fact]
    public void ExportedRoute_IsFound_AndAnotherIsNot()
    {
        Assert.True(BirdTables.HasRoute(Captured("exported"), "10.96.0.7/32"));
        Assert.False(BirdTables.HasRoute(Captured("exported"), "10.96.0.0/24"));
        Assert.Equal(8001, Captured("not-found").Code);
    }

    [Fact]
    public void AReplyCutAnywhere_AsksForMore()
    {
        var lines = Lines("protocols");
        for (var i = 0; i < lines.Count - 1; i++)
            Assert.False(BirdReply.TryParse(lines.Take(i).ToList(), out _));
    }

    [Fact]
    public void AnyText_IsReadWithoutAnException() =>
        Gen.String[Gen.Char["0123456789 -+\tBGPUp:%\u00e9\0"], 0, 40].List[0, 20].Sample(text =>
        {
            if (BirdReply.TryParse(text, out var reply))
            {
                BirdTables.Sessions(reply, reply);
                BirdTables.HasRoute(reply, "10.0.0.0/8");
            }
        });

    private static BirdReply Captured(string name)
    {
        Assert.True(BirdReply.TryParse(Lines(name), out var reply));
        return reply;
    }

    private static List<string> Lines(string name) =>
    [
        .. File.ReadAllText(
            Path.Combine(AppContext.BaseDirectory, "Routing", "Captured", name + ".txt"), Encoding.ASCII)
            .TrimEnd('\n').Split('\n'),
    ];
}
