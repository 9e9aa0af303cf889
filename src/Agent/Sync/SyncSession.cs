using System.Diagnostics;

namespace Monolith.Agent.Sync;

/// <summary>
/// What one stream's messages mean for the set that is held. Pure but for what it remembers of its own stream.
/// <code>
///             upsert, remove                    upsert, remove
///              ┌───────┐                          ┌───────┐
///   hello ──▶ Snapshot ─┴─ InSync(unchanged) ──▶ Current ─┘
///                  └────── InSync: drop what is held and was not sent ──▲
/// </code>
/// A stream that ends in Snapshot has dropped nothing by omission: the next one begins anew.
/// </summary>
internal sealed class SyncSession
{
    private HashSet<string>? sent = new(StringComparer.Ordinal);

    public bool InSync => sent is null;

    /// <summary>The host's picture of the statuses differs. Known once <see cref="InSync"/>.</summary>
    public bool SendStatuses { get; private set; }

    private static ActivityContext CauseOf(Downlink message) =>
        ActivityContext.TryParse(message.Traceparent, null, isRemote: true, out var cause) ? cause : default;

    /// <param name="message">The next message of the stream.</param>
    /// <param name="held">Keys held before the stream's changes that are not applied yet.</param>
    public IReadOnlyList<DesiredChange> Receive(Downlink message, Func<IReadOnlyList<string>> held)
    {
        switch (message)
        {
            case Downlink.Upsert upsert:
                this.sent?.Add(upsert.Item.Key);
                return [new DesiredChange(upsert.Item.Key, upsert.Item, Explicit: true) { Cause = CauseOf(upsert) }];
            case Downlink.Remove remove:
                this.sent?.Remove(remove.Key);
                return [new DesiredChange(remove.Key, null, Explicit: true) { Cause = CauseOf(remove) }];
            case Downlink.InSync inSync when this.sent is { } sent:
                this.sent = null;
                SendStatuses = inSync.SendStatuses;
                return inSync.Unchanged
                    ? []
                    : [.. held().Where(k => !sent.Contains(k)).Select(
                        k => new DesiredChange(k, null, Explicit: false))];
            default:
                return [];
        }
    }
}
