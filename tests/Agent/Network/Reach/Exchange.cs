using Monolith.Agent.Tests.Lab;

namespace Monolith.Agent.Tests.Network.Reach;

/// <summary>
/// Many packets between many machines in one thread: a few are sent, what has come is taken, and so on, so that no queue
/// runs over. Says who got what.
/// </summary>
internal sealed class Exchange(IReadOnlyList<RawGuest> machines)
{
    private const int AtOnce = 32;

    /// <summary>Who got which turn of which probe.</summary>
    public HashSet<(int Machine, int Serial, Turn Turn)> Arrived { get; } = [];

    /// <summary>Sends all, and takes what comes until all that must have arrived is there.</summary>
    public async Task RunAsync(
        IReadOnlyCollection<(int Machine, byte[] Packet)> packets, IReadOnlyCollection<(int, int, Turn)> awaited)
    {
        foreach (var some in packets.Chunk(AtOnce))
        {
            foreach (var (machine, packet) in some)
                machines[machine].SendPacket(packet);
            Take();
        }

        try
        {
            await Eventually.HoldsAsync(() => { Take(); return Arrived.IsSupersetOf(awaited); }, "arrivals", seconds: 3);
        }
        catch (Xunit.Sdk.XunitException)
        {
            // The caller compares, and says what is missing.
        }
    }

    private void Take()
    {
        for (var machine = 0; machine < machines.Count; machine++)
        {
            foreach (var frame in machines[machine].Receive())
            {
                if (Probe.Find(frame) is var (serial, turn))
                    Arrived.Add((machine, serial, turn));
            }
        }
    }
}
