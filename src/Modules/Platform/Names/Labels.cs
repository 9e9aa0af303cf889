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

    public static void Load(string stored, MapField<string, string> into)
    {
        var parts = stored.Split('"');
        for (var i = 1; i + 2 < parts.Length; i += 4) into[parts[i]] = parts[i + 2];
    }
}
