using System.Buffers.Binary;

namespace Monolith.Compute.Placement;

/// <summary>
/// Draws lots between equals so that the same draw comes out the same for ever: many servers spread, and what is foretold
/// for one is what happens to it.
/// </summary>
internal static class Lots
{
    /// <summary>FNV-1a over the characters: the same in every process.</summary>
    public static ulong Of(string text)
    {
        var hash = 0xCBF29CE484222325UL;
        foreach (var c in text) hash = (hash ^ c) * 0x100000001B3UL;
        return Mix(hash);
    }

    public static ulong Of(Guid uid)
    {
        Span<byte> bytes = stackalloc byte[16];
        uid.TryWriteBytes(bytes);
        return Mix(BinaryPrimitives.ReadUInt64LittleEndian(bytes) ^ BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]));
    }

    /// <returns>At least 0, less than 1.</returns>
    public static double Draw(ulong one, ulong other) => (Mix(one ^ other) >> 11) * (1.0 / (1UL << 53));

    // The finalizer of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
    static ulong Mix(ulong x)
    {
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9UL;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EBUL;
        return x ^ (x >> 31);
    }
}
