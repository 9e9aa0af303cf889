namespace Monolith.Compute.Servers.Ports;

internal enum PortPhase
{
    Attached,
    /// <summary>Comes to the server.</summary>
    Attaching,
    /// <summary>Goes from it: as soon as the guest has let go of it, its addresses are given back.</summary>
    Detaching,
}

/// <summary>A network that a server is to have a port in. Immutable.</summary>
/// <param name="Index">Names the port among all that the server ever had; null: its place in the list.</param>
/// <param name="Slot">Of the machine, from 1; null: its place in the list, from 1.</param>
internal sealed record NetworkChoice(string Network, IReadOnlyList<string> SecurityGroups, string Address,
    int? Index = null, int? Slot = null, PortPhase Phase = PortPhase.Attached);

/// <summary>A choice with what it leaves to its place in the list.</summary>
internal readonly record struct PlacedChoice(NetworkChoice Choice, int Index, int Slot)
{
    public PortPhase Phase => Choice.Phase;
}

/// <summary>The ports that a server is to have, as they change. Pure.</summary>
internal static class PortChoices
{
    /// <summary>Places that a machine is made with beyond those of its disk and its first ports; as agents do it.</summary>
    const int Spare = 4;

    public static IEnumerable<PlacedChoice> Placed(this ServerDetail detail) =>
        detail.Networks.Select((choice, i) => new PlacedChoice(choice, choice.Index ?? i, choice.Slot ?? i + 1));

    /// <summary>Those that are to be there in the end.</summary>
    public static IEnumerable<PlacedChoice> Wanted(this ServerDetail detail) =>
        detail.Placed().Where(p => p.Phase != PortPhase.Detaching);

    public static bool IsChanging(this ServerDetail detail) => detail.Networks.Any(n => n.Phase != PortPhase.Attached);

    /// <summary>One more, at the end.</summary>
    /// <param name="grows">Nothing runs: the machine is made anew before this one is used.</param>
    /// <returns>Null: the machine has no place left.</returns>
    public static ServerDetail? Attach(ServerDetail detail, NetworkChoice choice, bool grows)
    {
        var placed = detail.Placed().ToList();
        var slots = detail.Slots > 0 ? detail.Slots : 1 + placed.Count + Spare;
        var slot = Enumerable.Range(1, slots).First(s => placed.TrueForAll(p => p.Slot != s));
        if (slot == slots && !grows) return null;
        var index = Math.Max(detail.NextPort, placed.Max(p => p.Index) + 1);
        return detail with
        {
            Networks = [.. placed.Select(Named), choice with { Index = index, Slot = slot, Phase = PortPhase.Attaching }],
            Slots = Math.Max(slots, slot + 1),
            NextPort = index + 1,
        };
    }

    public static ServerDetail Enter(ServerDetail detail, int index, PortPhase phase) => detail with
    {
        Networks = [.. detail.Placed().Select(p => p.Index == index ? Named(p) with { Phase = phase } : Named(p))],
        Slots = detail.Slots > 0 ? detail.Slots : 1 + detail.Networks.Count + Spare,
        NextPort = Math.Max(detail.NextPort, detail.Placed().Max(p => p.Index) + 1),
    };

    public static ServerDetail Drop(ServerDetail detail, int index) => detail with
    {
        Networks = [.. detail.Placed().Where(p => p.Index != index).Select(Named)],
    };

    // What it is by its place, it stays when others come and go.
    static NetworkChoice Named(PlacedChoice placed) => placed.Choice with { Index = placed.Index, Slot = placed.Slot };
}
