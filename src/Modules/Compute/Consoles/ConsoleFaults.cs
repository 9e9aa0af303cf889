using Grpc.Core;
using Monolith.Agent.V1;
using Monolith.Compute.Vms;
using Monolith.Platform.Faults;
using Cause = Monolith.Agent.V1.SessionEnd.Types.Cause;

namespace Monolith.Compute.Consoles;

/// <summary>Why there is no console, and what to do next. Where a server runs is the operators' business.</summary>
internal static class ConsoleFaults
{
    public const string NotRunning = "SERVER_NOT_RUNNING";

    static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);

    public static Fault NoMachine(string server) => Fault.Precondition("SERVER_HAS_NO_MACHINE", server,
        $"{server} has no machine at the moment, and so no console. Its conditions say what it waits for.");

    public static Fault Down(string server, string node) => new(StatusCode.Unavailable, "HYPERVISOR_DOWN",
        $"The hypervisor of {server} is not connected, so its console cannot be reached; the server itself may well run. "
        + "Try again when its agent is back; if it does not come back, tell the operators.")
    { RetryAfter = Soon, Private = $"{node} has no open stream of its vms" };

    public static Fault NotReached(string server, string node, TimeSpan waited) => new(StatusCode.Unavailable,
        "CONSOLE_NOT_REACHED", $"The hypervisor of {server} did not open its console within {waited.TotalSeconds:0.#} s. "
        + "Try again; if it stays so, the operators should see whether its agent is overloaded, or older than consoles.")
    { RetryAfter = Soon, Private = $"{node} was asked and did not dial back" };

    public static Fault Lost(string server, string detail) => new(StatusCode.Unavailable, "CONSOLE_LOST",
        $"The connection to the console of {server} was lost; the server itself may well run. Connect again.")
    { RetryAfter = TimeSpan.FromSeconds(1), Private = detail };

    public static Fault Moved(string server) => new(StatusCode.Unavailable, "CONSOLE_LOST",
        $"{server} is no longer where it was: it was moved, rebuilt or deleted. Connect again.")
    { RetryAfter = TimeSpan.FromSeconds(1) };

    public static Fault TooMany(string what, int most) => Fault.Exhausted("TOO_MANY_SESSIONS",
        $"{what} has {most} console sessions, and no more are opened. Close one, and try again.");

    public static Fault TooLarge(string server) => Fault.Precondition("SCREEN_TOO_LARGE", server,
        $"The picture of {server}'s screen has more than 3 MiB. Choose a smaller or quieter screen in its guest.");

    /// <summary>By what the agent said.</summary>
    public static Fault Of(string server, SessionEnd end) => end.Cause switch
    {
        Cause.NotRunning => Fault.Precondition(NotRunning, server,
            $"{server} does not run, or has just stopped. Its log can be read; start it to connect."),
        Cause.NoDevice => Fault.Precondition("NO_CONSOLE_DEVICE", server,
            $"{server} runs without this device: it was started before its hypervisor had one. Restart it."),
        Cause.NotHere => Moved(server),
        _ => new Fault(StatusCode.Unavailable, "CONSOLE_FAILED",
            $"The console of {server} failed: {VmWire.Limit(end.Message)} Try again; if it stays so, tell the operators.")
        { RetryAfter = Soon },
    };
}
