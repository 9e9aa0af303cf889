namespace Monolith.Agent.Tests.Fuzz;

/// <summary>
/// Makes hostile input out of good input: most of it is nearly right, for what is not is refused at the door.
/// </summary>
internal static class Mutation
{
    private const int MaxLength = 64 * 1024;
    private static readonly byte[] Edges = [0, 1, 0x20, 0x22, 0x7f, 0x80, 0xc0, 0xfe, 0xff];

    public static byte[] Next(Random random, IReadOnlyList<byte[]> good)
    {
        if (random.Next(50) == 0)
        {
            var noise = new byte[random.Next(2048)];
            random.NextBytes(noise);
            return noise;
        }

        var bytes = new List<byte>(good[random.Next(good.Count)]);
        for (var left = 1 + random.Next(8); left > 0; left--) Damage(random, bytes, good);
        return bytes.Count <= MaxLength ? [.. bytes] : [.. bytes.Take(MaxLength)];
    }

    private static void Damage(Random random, List<byte> bytes, IReadOnlyList<byte[]> good)
    {
        var at = random.Next(bytes.Count + 1);
        var length = Math.Min(1 + random.Next(random.Next(2) == 0 ? 4 : 256), bytes.Count - at);
        switch (random.Next(9))
        {
            case 0 when at < bytes.Count:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1 when at < bytes.Count:
                bytes[at] = Edges[random.Next(Edges.Length)];
                break;
            case 2:
                bytes.RemoveRange(at, length);
                break;
            case 3:
                bytes.InsertRange(at, bytes.GetRange(at, length));
                break;
            case 4:
                var other = good[random.Next(good.Count)];
                var from = random.Next(other.Length + 1);
                bytes.InsertRange(at, other.AsSpan(from, Math.Min(length, other.Length - from)).ToArray());
                break;
            case 5:
                bytes.InsertRange(at, Enumerable.Repeat(Edges[random.Next(Edges.Length)], 1 + random.Next(512)));
                break;
            case 6 when at < bytes.Count:
                // The same thing inside itself, as deep as it goes.
                var piece = bytes.GetRange(at, length);
                for (var n = random.Next(64); n > 0 && bytes.Count < MaxLength; n--) bytes.InsertRange(at, piece);
                break;
            case 7:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            default:
                // A number of two, four or eight bytes at its edges.
                var width = 1 << (1 + random.Next(3));
                var value = Edges[random.Next(Edges.Length)];
                for (var i = at; i < Math.Min(at + width, bytes.Count); i++) bytes[i] = value;
                break;
        }
    }

    /// <summary>The shortest input found that still fails: pieces are taken out while it does.</summary>
    public static byte[] Shrink(byte[] failing, Func<byte[], bool> fails)
    {
        var looks = 0;
        for (var piece = failing.Length / 2; piece > 0; piece /= 2)
        {
            for (var at = 0; at + piece <= failing.Length && looks < 5000; looks++)
            {
                byte[] shorter = [.. failing[..at], .. failing[(at + piece)..]];
                if (fails(shorter)) failing = shorter;
                else at += piece;
            }
        }

        return failing;
    }
}
