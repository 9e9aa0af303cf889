namespace Monolith.Disks.Iso;

/// <summary>A directory of an image.</summary>
/// <param name="Name">Empty: the root.</param>
/// <param name="Number">Its place among all, from 0.</param>
/// <param name="Parent">The root's is the root.</param>
internal sealed record IsoFolder(string Name, int Number, int Parent)
{
    /// <summary>Numbers of those in it.</summary>
    public List<int> Folders { get; } = [];

    /// <summary>Files in it, by the numbers that they were given with.</summary>
    public List<(string Name, int Number)> Files { get; } = [];

    /// <summary>All, in the order of a path table: by level, then by parent, then by name (ECMA-119 6.9.1).</summary>
    public static List<IsoFolder> Tree(IReadOnlyList<IsoFile> files)
    {
        List<IsoFolder> all = [new("", 0, 0)];
        var paths = new List<string> { "" };
        for (var i = 0; i < all.Count; i++)
        {
            var inside = paths[i].Length == 0 ? "" : paths[i] + "/";
            var below = new SortedSet<string>(StringComparer.OrdinalIgnoreCase);
            for (var file = 0; file < files.Count; file++)
            {
                if (!files[file].Path.StartsWith(inside, StringComparison.OrdinalIgnoreCase)) continue;
                var rest = files[file].Path[inside.Length..];
                if (rest.IndexOf('/') is var slash && slash < 0) all[i].Files.Add((rest, file));
                else below.Add(rest[..slash]);
            }

            foreach (var name in below)
            {
                all[i].Folders.Add(all.Count);
                all.Add(new IsoFolder(name, all.Count, i));
                paths.Add(inside + name);
            }
        }

        return all;
    }
}
