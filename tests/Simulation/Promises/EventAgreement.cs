using Monolith.Platform.Storage;

namespace Monolith.Simulation.Tests.Promises;

/// <summary>Promise 8: what a module committed is in the log once, and in the module's order.</summary>
internal static class EventAgreement
{
    public static List<string> Differences(DatabaseOptions at)
    {
        var found = new List<string>();
        var log = Facts.Log(at);
        for (var i = 0; i < log.Count; i++)
            if (log[i].Sequence != i + 1) found.Add($"the log has {log[i].Sequence} at place {i + 1}");
        foreach (var (module, committed) in Facts.Events(at))
        {
            var logged = log.Where(l => l.Type.StartsWith($"monolith.{module}.", StringComparison.Ordinal))
                .Select(l => l.Uid).ToList();
            if (!logged.SequenceEqual(committed))
                found.Add($"{module} committed {committed.Count} events, and the log has {logged.Count} of them, "
                    + $"{committed.Except(logged).Count()} missing, {logged.Except(committed).Count()} of nobody");
        }
        return found;
    }
}
