using System.Text.Json;

namespace Monolith.Agent.Network.Filter;

/// <summary>One thing of a rule set: a table, a chain with its rules in order, a set without its elements, or what else there is.</summary>
/// <param name="Elements">Of a set or map, each with the first word in it, which is a tap's name in sets about taps.</param>
internal sealed record RulesetObject(string Text, IReadOnlyDictionary<string, string> Elements);

/// <summary>
/// A rule set as two kernels that were told the same both list it: without handles and counters, elements in no order.
/// Knows no rule of its own, and so holds whatever the agent makes. Pure.
/// </summary>
/// <param name="Objects">By kind, family and name: <c>chain inet spoof</c>.</param>
internal sealed record Ruleset(IReadOnlyDictionary<string, RulesetObject> Objects)
{
    private static readonly HashSet<string> Passing = ["handle", "packets", "bytes", "used", "expires", "elem"];

    /// <param name="listings">libnftables-json(5) of each table; null where there is no such table.</param>
    public static Ruleset Read(params IEnumerable<string?> listings)
    {
        var objects = new Dictionary<string, RulesetObject>(StringComparer.Ordinal);
        foreach (var listing in listings.OfType<string>())
        {
            using var document = JsonDocument.Parse(listing);
            foreach (var item in document.RootElement.GetProperty("nftables").EnumerateArray().SelectMany(i => i.EnumerateObject()))
                Add(objects, item.Name, item.Value);
        }

        return new Ruleset(objects);
    }

    private static void Add(Dictionary<string, RulesetObject> objects, string kind, JsonElement value)
    {
        switch (kind)
        {
            case "metainfo":
                return;
            case "rule":
                var chain = $"chain {Word(value, "family")} {Word(value, "chain")}";
                if (objects.TryGetValue(chain, out var before))
                    objects[chain] = before with { Text = before.Text + "\n" + Canonical(value.GetProperty("expr")) };
                return;
            default:
                objects[$"{kind} {Word(value, "family")} {Word(value, "name")}"] = new(Canonical(value), Elements(value));
                return;
        }
    }

    private static string Word(JsonElement item, string name) => item.GetProperty(name).GetString() ?? "";

    /// <summary>Elements that come by themselves, from packets or with a time, are nobody's intention.</summary>
    private static Dictionary<string, string> Elements(JsonElement set)
    {
        var elements = new Dictionary<string, string>(StringComparer.Ordinal);
        if (!set.TryGetProperty("elem", out var list) || (set.TryGetProperty("flags", out var flags)
            && flags.EnumerateArray().Any(f => f.GetString() is "dynamic" or "timeout")))
            return elements;
        foreach (var element in list.EnumerateArray())
            elements[Canonical(element)] = Words(element).FirstOrDefault("");
        return elements;
    }

    private static string Canonical(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "{" + string.Join(',', value.EnumerateObject()
            .Where(p => !Passing.Contains(p.Name) || IsElement(p))
            .Select(p => p.Name + ':' + (p.Name == "set" && p.Value.ValueKind == JsonValueKind.Array
                ? '[' + string.Join(',', p.Value.EnumerateArray().Select(Canonical).Order(StringComparer.Ordinal)) + ']'
                : Canonical(p.Value)))) + "}",
        JsonValueKind.Array => "[" + string.Join(',', value.EnumerateArray().Select(Canonical)) + "]",
        _ => value.GetRawText(),
    };

    /// <summary>One element with a counter or a comment is an object under this name; all of a set are an array.</summary>
    private static bool IsElement(JsonProperty property) =>
        property.Name == "elem" && property.Value.ValueKind == JsonValueKind.Object;

    private static IEnumerable<string> Words(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => [value.GetString()!],
        JsonValueKind.Array => value.EnumerateArray().SelectMany(Words),
        JsonValueKind.Object => value.EnumerateObject().SelectMany(p => Words(p.Value)),
        _ => [],
    };
}
