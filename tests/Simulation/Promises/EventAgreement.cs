using Monolith.Events.Audit;
using Monolith.Platform.Storage;

namespace Monolith.Simulation.Tests.Promises;

/// <summary>
/// Promise 8: what a module committed is in the log once, and in the module's order; and what a call changed is in the audit
/// log once, in a chain that fits.
/// </summary>
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
        var audit = Facts.Audit(at);
        var told = audit.Where(a => a.EventUid.Length > 0).Select(a => Guid.Parse(a.EventUid)).Order().ToList();
        if (!told.SequenceEqual(Facts.Deeds(at).Order()))
            found.Add($"calls made {Facts.Deeds(at).Count} changes, and the audit log has {told.Count}");
        if (AuditTrail.Verify(0, [], audit).Fault is { } fault) found.Add($"the audit log is broken: {fault.Message}");
        return found;
    }
}
