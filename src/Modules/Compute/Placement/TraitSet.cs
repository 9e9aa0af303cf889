namespace Monolith.Compute.Placement;

/// <summary>Traits: what a hypervisor has, or a flavor needs. Immutable, in order, equal when its words are.</summary>
internal sealed class TraitSet : IEquatable<TraitSet>
{
    /// <summary>Of a flavor or a hypervisor.</summary>
    public const int Most = 32;

    public static readonly TraitSet None = new([]);

    readonly string[] words;

    TraitSet(string[] words) => this.words = words;

    public IReadOnlyList<string> Words => words;

    public static TraitSet Of(IEnumerable<string> words)
    {
        string[] all = [.. words.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        return all.Length == 0 ? None : new(all);
    }

    /// <summary>As it is stored: words between spaces, with one at each end, so that a word can be looked for.</summary>
    public static TraitSet Parse(string stored) =>
        stored.Length == 0 ? None : Of(stored.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    public override string ToString() => words.Length == 0 ? "" : $" {string.Join(' ', words)} ";

    public bool Has(string word) => Array.BinarySearch(words, word, StringComparer.Ordinal) >= 0;

    public bool HasAll(TraitSet others) => Array.TrueForAll(others.words, Has);

    public bool HasAny(TraitSet others) => Array.Exists(others.words, Has);

    public TraitSet And(TraitSet others) => Of(words.Concat(others.words));

    public TraitSet Without(TraitSet others) => Of(words.Except(others.words, StringComparer.Ordinal));

    public bool Equals(TraitSet? other) => other is not null && words.AsSpan().SequenceEqual(other.words);

    public override bool Equals(object? obj) => Equals(obj as TraitSet);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var word in words) hash.Add(word, StringComparer.Ordinal);
        return hash.ToHashCode();
    }
}
