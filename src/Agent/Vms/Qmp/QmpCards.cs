using System.Globalization;
using System.Text.Json;
using Monolith.Agent.Native.Safe;

namespace Monolith.Agent.Vms.Qmp;

/// <summary>The commands that change a running guest's network cards, typed (QEMU QMP reference).</summary>
internal sealed class QmpCards(QmpMonitor monitor, TimeSpan deadline) : QmpCalls(monitor, deadline)
{
    private const string Devices = "/machine/peripheral";
    private const string Handle = "card";

    /// <summary>The cards that the guest has: a MAC by slot.</summary>
    public async Task<IReadOnlyDictionary<int, string>> ListAsync(CancellationToken cancellation)
    {
        var answer = await ExecuteAsync("qom-list", to => to.WriteString("path", Devices), cancellation);
        if (answer.ValueKind != JsonValueKind.Array) throw new QmpProtocolException("qom-list is no list");
        var cards = new Dictionary<int, string>();
        foreach (var device in answer.EnumerateArray())
        {
            if (VmCommandLine.SlotOfCard(Text(device, "name")) is { } slot)
                cards[slot] = await MacAsync(Text(device, "name"), cancellation);
        }
        return cards;
    }

    /// <summary>Plugs a card in. What an earlier try left is cleared first.</summary>
    /// <param name="port">With its slot.</param>
    /// <param name="tap">Its tap, opened: QEMU itself may not.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    public async Task PlugAsync(VmPort port, FileHandle tap, CancellationToken cancellation)
    {
        var backend = VmCommandLine.BackendOf(port.Slot);
        await TryAsync("netdev_del", to => to.WriteString("id", backend), cancellation);
        await ExecuteAsync("getfd", to => to.WriteString("fdname", Handle), cancellation, tap);
        await ExecuteAsync(
            "netdev_add",
            to =>
            {
                to.WriteString("type", "tap");
                to.WriteString("id", backend);
                to.WriteString("fd", Handle);
            },
            cancellation);
        await ExecuteAsync(
            "device_add",
            to =>
            {
                to.WriteString("driver", "virtio-net-pci");
                to.WriteString("id", VmCommandLine.CardOf(port.Slot));
                to.WriteString("netdev", backend);
                to.WriteString("mac", port.Mac);
                to.WriteNumber("host_mtu", port.Mtu);
                to.WriteString("bus", string.Create(CultureInfo.InvariantCulture, $"rp{port.Slot}"));
                to.WriteString("romfile", "");
            },
            cancellation);
    }

    /// <summary>Asks the guest to let go of a card. It is gone when it is not listed any more.</summary>
    public Task AskAsync(int slot, CancellationToken cancellation) =>
        TryAsync("device_del", to => to.WriteString("id", VmCommandLine.CardOf(slot)), cancellation);

    /// <summary>Closes the tap of a card that is gone.</summary>
    public Task CloseAsync(int slot, CancellationToken cancellation) =>
        TryAsync("netdev_del", to => to.WriteString("id", VmCommandLine.BackendOf(slot)), cancellation);

    private async Task<string> MacAsync(string card, CancellationToken cancellation)
    {
        try
        {
            var answer = await ExecuteAsync(
                "qom-get",
                to =>
                {
                    to.WriteString("path", Devices + "/" + card);
                    to.WriteString("property", "mac");
                },
                cancellation);
            return answer.GetString() ?? "";
        }
        catch (QmpCommandException)
        {
            // It went meanwhile.
            return "";
        }
    }
}
