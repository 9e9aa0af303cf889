namespace Monolith.Agent.Tests.Network.Spoof;

/// <summary>
/// Whatever a guest puts on its tap under a name that is not its own reaches no other guest, neither the fabric nor the
/// hypervisor's own sockets, and leaves the hypervisor's neighbours as they were. All of them let everything in, so that
/// nothing but the judgement of sources stands in between.
/// </summary>
[Trait("Needs", "root")]
public sealed class SpoofTests(Scene scene) : IClassFixture<Scene>
{
    public static TheoryData<string> Names => [.. Attacks.All.Select(a => a.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Attack_ReachesNobody(string name)
    {
        var found = await scene.SendAsync(Attacks.All.Single(a => a.Name == name));

        Assert.True(found.Count == 0, $"{name}:\n{string.Join('\n', found)}");
    }
}
