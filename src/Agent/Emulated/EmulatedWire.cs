using System.Collections.Concurrent;
using Monolith.Agent.Vms;

namespace Monolith.Agent.Emulated;

/// <summary>
/// The network between the emulated nodes of a process, as far as migrations need one: who knows the secret of an open
/// attempt reaches it.
/// </summary>
internal static class EmulatedWire
{
    private sealed record End(EmulatedVms Vms, VmId Id);

    private static readonly ConcurrentDictionary<(string Migration, string Secret), End> Open = new();

    public static void Listen(VmIncoming incoming, EmulatedVms vms, VmId id) =>
        Open[(incoming.Migration, incoming.Secret)] = new End(vms, id);

    public static void Close(EmulatedVms vms, VmId id)
    {
        foreach (var (key, end) in Open)
            if (end.Vms == vms && end.Id == id) Open.TryRemove(key, out _);
    }

    public static bool IsOpen(VmOutgoing outgoing) => Open.ContainsKey((outgoing.Migration, outgoing.Secret));

    /// <summary>Hands a guest over, once.</summary>
    /// <returns>Whether it arrived.</returns>
    public static bool Deliver(VmOutgoing outgoing, DateTimeOffset answers) =>
        Open.TryRemove((outgoing.Migration, outgoing.Secret), out var end) && end.Vms.Arrive(end.Id, answers, outgoing.Stopped);
}
