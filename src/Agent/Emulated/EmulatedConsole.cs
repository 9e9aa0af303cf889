using System.Globalization;
using System.Text;
using Monolith.Agent.Consoles;
using Monolith.Agent.Vms;

namespace Monolith.Agent.Emulated;

/// <summary>
/// The serial port of an emulated guest: it prints a boot log, echoes what is typed as a terminal does, and answers each
/// line with the line. Made when somebody first looks, so that a guest that nobody looks at costs nothing.
/// </summary>
internal sealed class EmulatedConsole : ConsoleLog
{
    private const int Kept = 64 * 1024;

    private readonly Lock gate = new();
    private readonly VmId id;
    private readonly StringBuilder line = new();
    private byte[] kept = [];
    private long end;
    private bool removed;
    private TaskCompletionSource closed = Ended();

    /// <param name="plan">What it belongs to.</param>
    /// <param name="phase">Its phase, when somebody first looks.</param>
    /// <param name="ran">Something was written before.</param>
    public EmulatedConsole(VmPlan plan, VmPhase phase, bool ran)
    {
        id = plan.Id;
        if (phase == VmPhase.Running) closed = Running();
        if (ran) Say(Boot(plan));
        if (ran && phase != VmPhase.Running) Say(PowerDown);
    }

    /// <summary>Completes when the guest ends.</summary>
    public Task Closed
    {
        get
        {
            lock (gate) return closed.Task;
        }
    }

    private const string PowerDown = "\r\n[   42.000000] reboot: Power down\r\n";

    public void Enter(VmPlan plan, VmPhase phase)
    {
        var runs = phase == VmPhase.Running;
        TaskCompletionSource before;
        lock (gate)
        {
            if (runs != closed.Task.IsCompleted) return;
            before = closed;
            if (runs) closed = Running();
            line.Clear();
        }

        // One that has left says its last words elsewhere.
        if (runs) Say(Boot(plan));
        else if (phase != VmPhase.Left) Say(PowerDown);
        before.TrySetResult();
    }

    public void Remove()
    {
        lock (gate) removed = true;
        closed.TrySetResult();
        Nudge();
    }

    public void Type(ReadOnlySpan<byte> typed)
    {
        var said = new StringBuilder();
        lock (gate)
        {
            if (closed.Task.IsCompleted) throw new IOException("the serial port is closed");
            foreach (var letter in Encoding.Latin1.GetString(typed))
            {
                if (letter is not ('\r' or '\n'))
                {
                    if (line.Length < 1024) line.Append(letter);
                    said.Append(letter);
                    continue;
                }

                said.Append("\r\n");
                if (line.Length > 0) said.Append(line).Append("\r\n");
                said.Append("# ");
                line.Clear();
            }
        }

        Say(said.ToString());
    }

    protected override (long Oldest, long End) Extent()
    {
        lock (gate) return (end - kept.Length, end);
    }

    protected override int Read(ref long position, Span<byte> into)
    {
        lock (gate)
        {
            if (removed) throw new VmException(VmFailure.NotFound, $"VM {id} was removed, and its log with it");
            position = Math.Max(position, end - kept.Length);
            var rest = kept.AsSpan((int)(position - (end - kept.Length)));
            var read = Math.Min(rest.Length, into.Length);
            rest[..read].CopyTo(into);
            position += read;
            return read;
        }
    }

    private void Say(string text)
    {
        var bytes = Encoding.Latin1.GetBytes(text);
        lock (gate)
        {
            byte[] all = [.. kept, .. bytes];
            kept = all.Length > Kept ? all[^Kept..] : all;
            end += bytes.Length;
        }

        Nudge();
    }

    private static string Boot(VmPlan plan) => string.Create(
        CultureInfo.InvariantCulture,
        $"[    0.000000] Linux version 6.1.0-emulated\r\n[    0.000000] Memory: {plan.MemoryMib}M available\r\n"
        + $"[    0.010000] smp: Brought up 1 node, {plan.Vcpus} CPUs\r\n[    0.200000] Run /sbin/init as init process\r\n"
        + $"{plan.Name} is up\r\n# ");

    private static TaskCompletionSource Running() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static TaskCompletionSource Ended()
    {
        var done = Running();
        done.SetResult();
        return done;
    }
}
