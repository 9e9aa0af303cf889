using System.Text;
using Google.Protobuf.Collections;

namespace Monolith.Platform.Names;

/// <summary>
/// Labels as they are stored: <c>"key":"value"</c> pairs ordered by key, so that a filter is a substring. Keys and
/// values have no quotes (see <c>Violations.Labels</c>), hence nothing is escaped.
/// </summary>
public static class Labels
{
    public static string Store(IEnumerable<KeyValuePair<string, string>> labels)
    {
        var text = new StringBuilder();
        foreach (var (key, value) in labels.OrderBy(l => l.Key, StringComparer.Ordinal))
            text.Append(Pair(key, value)).Append(',');
        return text.ToString();
    }

    public static string Pair(string key, string value) => $"\"{key}\":\"{value}\"";

    /// <returns>Null: there is none of that key.</returns>
    public static string? Find(string stored, string key)
    {
        var before = $"\"{key}\":\"";
        // A value has no quotes, so that what begins a pair is found at the begin of one only.
        var at = stored.IndexOf(before, StringComparison.Ordinal);
        if (at < 0) return null;
        var from = at + before.Length;
        return stored[from..stored.IndexOf('"', from)];
    }

    public static Dictionary<string, string> Read(string stored)
    {
        var labels = new Dictionary<string, string>(StringComparer.Ordinal);
        Read(stored, labels);
        return labels;
    }

    public static void Load(string stored, MapField<string, string> into) => Read(stored, into);

    static void Read(string stored, IDictionary<string, string> into)
    {
        var parts = stored.Split('"');
        for (var i = 1; i + 2 < parts.Length; i += 4) into[parts[i]] = parts[i + 2];
    }
}
