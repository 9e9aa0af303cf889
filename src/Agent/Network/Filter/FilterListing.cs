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
        return $"\"{parts[0].GetString()}\" . {parts[1].GetString()} . {parts[2].GetString()}";
    }

    private static string Name(JsonElement item) => item.GetProperty("name").GetString() ?? "";

    private static JsonElement.ArrayEnumerator Elements(JsonElement set) =>
        set.TryGetProperty("elem", out var elements) ? elements.EnumerateArray() : default;

    private sealed class Reading
    {
        private readonly ImmutableSortedSet<string>.Builder markers = ImmutableSortedSet.CreateBuilder<string>();
        private readonly SortedDictionary<string, FilterChain> chains = [];
        private readonly SortedDictionary<string, ImmutableSortedSet<string>> sets = [];
        private readonly SortedDictionary<string, PortFilter> ports = [];

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
            if (name.StartsWith("s4_", StringComparison.Ordinal) || name.StartsWith("s6_", StringComparison.Ordinal))
                sets[name] = [.. elements.Select(e => Address(Unwrap(e).GetString()))];
            else if (name is Skeleton.MacSet or Skeleton.BindSet4 or Skeleton.BindSet6)
                Bind(elements);
        }

        public void Map(string name, IEnumerable<JsonElement> elements)
        {
            foreach (var pair in elements)
            {
                var tap = pair[0].GetString() ?? "";
                var target = pair[1].TryGetProperty("goto", out var go)
                    ? go.GetProperty("target").GetString() ?? ""
                    : "";
                Change(tap,
                    p => name == Skeleton.IngressMap
                        ? p with { IngressChain = target }
                        : p with { EgressChain = target });
            }
        }

        public FilterState ToState() => new()
        {
            Markers = markers.ToImmutable(),
            Chains = chains.ToImmutableSortedDictionary(),
            Sets = sets.ToImmutableSortedDictionary(),
            Ports = ports.ToImmutableSortedDictionary(),
        };

        private void Bind(IEnumerable<JsonElement> elements)
        {
            foreach (var element in elements)
            {
                var parts = Unwrap(element).GetProperty("concat");
                var tap = parts[0].GetString() ?? "";
                var mac = parts[1].GetString() ?? "";
                Change(tap, p => parts.GetArrayLength() == 2
                    ? p with { Macs = p.Macs.Add(mac) }
                    : p with { Sources = p.Sources.Add((mac, Address(parts[2].GetString()))) });
            }
        }

        private void Change(string tap, Func<PortFilter, PortFilter> change) => ports[tap] =
            change(ports.TryGetValue(tap, out var port) ? port : new PortFilter(tap, [], [], "", ""));

        /// <summary>An element with a counter or a timeout is an object around its value.</summary>
        private static JsonElement Unwrap(JsonElement element) =>
            element.ValueKind == JsonValueKind.Object && element.TryGetProperty("elem", out var inner)
                ? inner.GetProperty("val")
                : element;

        private static string Address(string? text) =>
            IPAddress.TryParse(text, out var address) ? address.ToString() : text ?? "";
    }
}
