using System.Diagnostics;
using Monolith.Crash;

/// <summary>
/// Counts what crosses a boundary of the process that it was loaded into, and kills it with SIGKILL at the crossing that
/// <see cref="Points"/> names. The boundaries are spans that the product and ASP.NET make for whoever listens:
/// <code>
///   request in ─▶ store.write ─▶ COMMIT (on the disk, nobody told) ─▶ store.write ends ─▶ request ends
///                                  └▶ process an event, begins and ends; send to node, begins and ends
/// </code>
/// </summary>
internal static class StartupHook
{
    static readonly string[] Kinds =
        ["store.write ", "COMMIT ", "send to node", "process ", "Microsoft.AspNetCore.Hosting.HttpRequestIn"];

    // The runtime looks for this name.
    public static void Initialize()
    {
        if (Environment.GetEnvironmentVariable(Points.Variable) is not { Length: > 0 } path) return;
        var points = new Points(path);
        ActivitySource.AddActivityListener(new ActivityListener
        {
            ShouldListenTo = _ => true,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStarted = activity => Cross(points, activity, " begins"),
            ActivityStopped = activity => Cross(points, activity, " ends"),
        });
    }

    static void Cross(Points points, Activity activity, string side)
    {
        var name = activity.OperationName;
        // It is made when the commit is on the disk, and is over at once: one place, and not two.
        if (side == " begins" && name.StartsWith("COMMIT ", StringComparison.Ordinal)) return;
        if (Kinds.Any(kind => name.StartsWith(kind, StringComparison.Ordinal))) points.CrossOrDie(name + side);
    }
}
