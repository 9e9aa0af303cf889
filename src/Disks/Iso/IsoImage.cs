namespace Monolith.Disks.Iso;

/// <summary>A file of a CD's image.</summary>
/// <param name="Path">Names of 1 to 28 letters, digits, <c>. _ -</c> each, with a slash between them.</param>
/// <param name="Content">At most 1 MiB.</param>
public readonly record struct IsoFile(string Path, ReadOnlyMemory<byte> Content);

/// <summary>
/// Makes a CD's image: ISO 9660 (ECMA-119, level 2), and beside it the same files with their names as they are (Joliet),
/// which is what most systems show. The same files give the same bytes: there is no clock in it.
/// <code>
///   sector 0    16       17      18    19
///   ┌──────────┬────────┬───────┬─────┬──────────────┬──────────────┬────────┐
///   │ not used │ volume │ its   │ end │ path tables  │ directories  │ files  │
///   │          │        │ Joliet│     │ of both      │ of both      │        │
///   └──────────┴────────┴───────┴─────┴──────────────┴──────────────┴────────┘
/// </code>
/// </summary>
public static class IsoImage
{
    internal const int Sector = 2048;
    private const int FirstVolume = 16, MaxFiles = 64, LongestName = 28;

    /// <param name="label">What the volume is found by: 1 to 16 ASCII characters.</param>
    /// <param name="files">At most 64, no two with the same path but for its case.</param>
    /// <exception cref="ArgumentException">It breaks one of these rules.</exception>
    public static byte[] Of(string label, IReadOnlyList<IsoFile> files)
    {
        Check(label, files);
        var folders = IsoFolder.Tree(files);
        IsoVolume plain = new(folders, IsoNames.Plain), joliet = new(folders, IsoNames.Joliet);
        var next = FirstVolume + 3;
        plain.PlaceTables(ref next);
        joliet.PlaceTables(ref next);
        plain.PlaceFolders(ref next);
        joliet.PlaceFolders(ref next);
        var places = new int[files.Count];
        for (var i = 0; i < files.Count; i++)
        {
            places[i] = next;
            next += Sectors(files[i].Content.Length);
        }

        var image = new byte[next * Sector];
        plain.Write(image, FirstVolume, label, files, places);
        joliet.Write(image, FirstVolume + 1, label, files, places);
        ReadOnlySpan<byte> end = [255, .. "CD001"u8, 1];
        end.CopyTo(image.AsSpan((FirstVolume + 2) * Sector));
        for (var i = 0; i < files.Count; i++) files[i].Content.Span.CopyTo(image.AsSpan(places[i] * Sector));
        return image;
    }

    internal static int Sectors(int bytes) => (bytes + Sector - 1) / Sector;

    private static void Check(string label, IReadOnlyList<IsoFile> files)
    {
        if (label.Length is < 1 or > 16 || !label.All(char.IsAscii))
            throw new ArgumentException($"the label \"{label}\" is not 1 to 16 ASCII characters", nameof(label));
        if (files.Count > MaxFiles) throw new ArgumentException($"{files.Count} files, more than {MaxFiles}", nameof(files));
        if (files.DistinctBy(f => f.Path.ToUpperInvariant()).Count() != files.Count)
            throw new ArgumentException("two files have the same path", nameof(files));
        foreach (var (path, content) in files)
        {
            if (content.Length > 1 << 20) throw new ArgumentException($"{path} is larger than 1 MiB", nameof(files));
            if (!path.Split('/').All(IsName))
                throw new ArgumentException(
                    $"a name in \"{path}\" is not 1 to {LongestName} of a-z A-Z 0-9 . _ -", nameof(files));
        }
    }

    private static bool IsName(string name) => name.Length is >= 1 and <= LongestName
        && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');
}
