namespace Monolith.Dns.Serving;

/// <summary>
/// An immutable map from names in 256 parts. A change copies the parts that it touches and shares the others, so that
/// one record in a zone of a hundred thousand costs a few hundred entries, and readers never wait.
/// </summary>
internal sealed class NameTable<T> where T : class
{
    const int Parts = 256;

    public static NameTable<T> Empty { get; } = new(new Dictionary<byte[], T>?[Parts], 0);

    readonly Dictionary<byte[], T>?[] parts;

    NameTable(Dictionary<byte[], T>?[] parts, int count)
    {
        this.parts = parts;
        Count = count;
    }

    public int Count { get; }

    public IEnumerable<T> Values => parts.Where(p => p is not null).SelectMany(p => p!.Values);

    public T? Find(ReadOnlySpan<byte> name) => Find(parts, name);

    public Editor Edit() => new(this);

    static T? Find(Dictionary<byte[], T>?[] parts, ReadOnlySpan<byte> name)
    {
        var part = parts[DnsNameComparer.Instance.GetHashCode(name) & (Parts - 1)];
        return part is not null && part.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(name, out var value)
            ? value
            : null;
    }

    /// <summary>Changes to a table, seen by nobody until <see cref="ToTable"/>. Of one thread.</summary>
    public sealed class Editor(NameTable<T> table)
    {
        readonly Dictionary<byte[], T>?[] parts = [.. table.parts];
        readonly bool[] owned = new bool[Parts];
        int count = table.Count;

        public T? Find(ReadOnlySpan<byte> name) => NameTable<T>.Find(parts, name);

        /// <param name="value">Null removes.</param>
        public void Set(byte[] name, T? value)
        {
            var index = DnsNameComparer.Instance.GetHashCode(name) & (Parts - 1);
            if (!owned[index])
            {
                parts[index] = parts[index] is { } shared
                    ? new(shared, DnsNameComparer.Instance)
                    : new(DnsNameComparer.Instance);
                owned[index] = true;
            }
            var part = parts[index]!;
            count -= part.Count;
            if (value is null) part.Remove(name);
            else part[name] = value;
            count += part.Count;
        }

        public NameTable<T> ToTable() => new(parts, count);
    }
}
