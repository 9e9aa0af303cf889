using CsCheck;
using Monolith.Network.Ports;

namespace Monolith.Modules.Tests.Network;

/// <summary>Who may hold which set, seen from either side.</summary>
public class SetInterestTests
{
    static readonly string[] Nodes = ["hv1", "hv2", "hv3"];
    static readonly Guid[] Sets = [.. Enumerable.Range(0, 4).Select(_ => Guid.CreateVersion7())];

    [Fact]
    public void BothSides_SayTheSame_AfterAnyNotesAndDrops()
    {
        var act = Gen.Select(Gen.Bool, Gen.Int[0, Nodes.Length - 1], Gen.Int[0, Sets.Length - 1].Array[0, 3]);
        act.Array[0, 40].Sample(acts =>
        {
            var interest = new SetInterest();
            var model = new HashSet<(string Node, Guid Set)>();
            foreach (var (noted, node, which) in acts)
            {
                var (name, sets) = (Nodes[node], which.Select(i => Sets[i]).ToList());
                if (noted)
                {
                    interest.Note(name, sets);
                    model.UnionWith(sets.Select(s => (name, s)));
                }
                else
                {
                    interest.Drop(name, sets);
                    model.ExceptWith(sets.Select(s => (name, s)));
                }
            }
            foreach (var node in Nodes)
                Assert.Equal(model.Where(m => m.Node == node).Select(m => m.Set).Order(), interest.HeldBy(node).Order());
            foreach (var set in Sets)
                Assert.Equal(model.Where(m => m.Set == set).Select(m => m.Node).Order(StringComparer.Ordinal),
                    interest.HoldersOf(set).Order(StringComparer.Ordinal));
        });
    }
}
