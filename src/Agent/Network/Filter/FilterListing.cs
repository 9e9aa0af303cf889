using System.Collections.Immutable;
using System.Net;
using System.Text.Json;

namespace Monolith.Agent.Network.Filter;

/// <summary>Reads libnftables-json(5) of our table into a state. What it does not know it passes over.</summary>
internal static class FilterListing
{
    public static FilterState Parse(string json)
    {
        var reader = new Reading();
        using var document = JsonDocument.Parse(json);
        foreach (var item in document.RootElement.GetProperty("nftables").EnumerateArray())
        {
            if (item.TryGetProperty("chain", out var chain))
                reader.Chain(Name(chain));
            else if (item.TryGetProperty("limit", out var limit))
                reader.Limit(Name(limit));
            else if (item.TryGetProperty("set", out var set))
                reader.Set(Name(set), Elements(set));
            else if (item.TryGetProperty("map", out var map))
                reader.Map(Name(map), Elements(map));
        }

        return reader.ToState();
    }

    /// <summary>The elements of the one set that was listed, as nft writes them.</summary>
    public static ImmutableSortedSet<string> ParseBindings(string json)
    {
        using var document = JsonDocument.Parse(json);
        return
        [
            .. document.RootElement.GetProperty("nftables").EnumerateArray()
                .Where(i => i.TryGetProperty("set", out _))
                .SelectMany(i => Elements(i.GetProperty("set")).Select(Concatenation)),
        ];
    }

    private static string Concatenation(JsonElement element)
    {
        var parts = element.GetProperty("concat");
        return $"\"{parts[0].GetString()}\" . {parts[1].GetString()} . {Address(parts[2])}";
    }

    private static string Name(JsonElement item) => item.GetProperty("name").GetString() ?? "";

    private static JsonElement.ArrayEnumerator Elements(JsonElement set) =>
        set.TryGetProperty("elem", out var elements) ? elements.EnumerateArray() : default;

    /// <summary>An element with a counter or a timeout is an object around its value.</summary>
    private static JsonElement Unwrap(JsonElement element) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty("elem", out var inner)
            ? inner.GetProperty("val")
            : element;

    /// <summary>An address, or an interval of them, as we write it.</summary>
    private static string Address(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Object)
            return Canonical(element.GetString());
        if (element.TryGetProperty("prefix", out var prefix))
            return $"{Canonical(prefix.GetProperty("addr").GetString())}/{prefix.GetProperty("len").GetInt32()}";
        return element.TryGetProperty("range", out var range) ? $"{range[0].GetString()}-{range[1].GetString()}" : "";
    }

    private static string Canonical(string? text) =>
        IPAddress.TryParse(text, out var address) ? address.ToString() : text ?? "";

    private sealed class Reading
    {
        private readonly ImmutableSortedSet<string>.Builder markers = ImmutableSortedSet.CreateBuilder<string>();
        private readonly SortedDictionary<string, FilterChain> chains = [];
        private readonly SortedDictionary<string, ImmutableSortedSet<string>> sets = [];
        private readonly SortedDictionary<string, PortFilter> ports = [];
        private readonly ImmutableSortedSet<string>.Builder limits = ImmutableSortedSet.CreateBuilder<string>();
        private NatState nat = NatState.Empty;

        public void Limit(string name)
        {
            if (LimitText.IsName(name))
                limits.Add(name);
        }

        public void Chain(string name)
        {
            if (name.StartsWith(Skeleton.MarkerPrefix, StringComparison.Ordinal))
                markers.Add(name);
            else if (name.StartsWith("in_", StringComparison.Ordinal)
                || name.StartsWith("out_", StringComparison.Ordinal))
                chains[name] = new FilterChain(name, "");
        }

        public void Set(string name, IEnumerable<JsonElement> elements)
        {
            if (name.Length > 3 && name[2] == '_' && name[0] is 's' or 'p' && name[1] is '4' or '6')
                sets[name] = [.. elements.Select(e => Address(Unwrap(e)))];
            else if (name is Skeleton.MacSet or Skeleton.BindSet4 or Skeleton.BindSet6)
                Bind(elements, (p, mac, address) => p with { Sources = p.Sources.Add((mac, address)) });
            else if (name is Skeleton.RangeSet4 or Skeleton.RangeSet6)
                Bind(elements, (p, mac, prefix) => p with { Ranges = p.Ranges.Add((mac, prefix)) });
            else if (name is "inside4" or "inside6")
                nat = nat with { Inside = nat.Inside.Union(elements.Select(e => Address(Unwrap(e)))) };
            else if (name is "pair4" or "pair6")
                nat = nat with { Pairs = nat.Pairs.Union(elements.Select(e => Pair(Unwrap(e).GetProperty("concat")))) };
        }

        private static (string, string) Pair(JsonElement pair) => (Address(pair[0]), Address(pair[1]));

        public void Map(string name, IEnumerable<JsonElement> elements)
        {
            if (name is "dnat4" or "dnat6" or "snat4" or "snat6" or "share4" or "share6")
            {
                var pairs = elements.Select(Pair).Select(p => KeyValuePair.Create(p.Item1, p.Item2));
                nat = name[..^1] switch
                {
                    "dnat" => nat with { Inbound = nat.Inbound.SetItems(pairs) },
                    "snat" => nat with { Outbound = nat.Outbound.SetItems(pairs) },
                    _ => nat with { Shared = nat.Shared.SetItems(pairs) },
                };
                return;
            }

            foreach (var pair in elements)
            {
                var tap = pair[0].GetString() ?? "";
                var value = pair[1];
                var target = (value.ValueKind == JsonValueKind.String ? value
                    : value.TryGetProperty("goto", out var go) ? go.GetProperty("target") : default) is
                { ValueKind: JsonValueKind.String } text ? text.GetString() ?? "" : "";
                Change(tap, p => name switch
                {
                    Skeleton.IngressMap => p with { IngressChain = target },
                    Skeleton.EgressMap => p with { EgressChain = target },
                    Skeleton.IngressLimitMap => p with { IngressLimit = target },
                    Skeleton.EgressLimitMap => p with { EgressLimit = target },
                    _ => p,
                });
            }
        }

        public FilterState ToState() => new()
        {
            Markers = markers.ToImmutable(),
            Chains = chains.ToImmutableSortedDictionary(),
            Sets = sets.ToImmutableSortedDictionary(),
            Ports = ports.ToImmutableSortedDictionary(),
            Limits = limits.ToImmutable(),
            Nat = nat,
        };

        private void Bind(IEnumerable<JsonElement> elements, Func<PortFilter, string, string, PortFilter> add)
        {
            foreach (var element in elements)
            {
                var parts = Unwrap(element).GetProperty("concat");
                var tap = parts[0].GetString() ?? "";
                var mac = parts[1].GetString() ?? "";
                Change(tap, p => parts.GetArrayLength() == 2
                    ? p with { Macs = p.Macs.Add(mac) }
                    : add(p, mac, Address(parts[2])));
            }
        }

        private void Change(string tap, Func<PortFilter, PortFilter> change) => ports[tap] =
            change(ports.TryGetValue(tap, out var port) ? port : new PortFilter(tap, [], [], "", ""));
    }
}
