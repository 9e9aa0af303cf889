using System.Text;
using CsCheck;
using Monolith.Agent.Native.Safe;
using Monolith.Agent.Tests.Vms;
using Monolith.Disks.Iso;

namespace Monolith.Agent.Tests.Images;

/// <summary>Read by libarchive, which shares no line with who wrote it, and by util-linux.</summary>
public sealed class IsoImageTests
{
    private static readonly Gen<string> Name = Gen.String[Gen.Char["abcXYZ019._-"], 1, 28]
        .Where(n => n.Any(char.IsAsciiLetterOrDigit) && !n.StartsWith('.') && !n.EndsWith('.'));

    private static readonly Gen<IsoFile[]> Trees = Gen.Select(
        Gen.Select(Name.Array[1, 4], Gen.Byte.Array[0, 5000], (names, content) => new IsoFile(string.Join('/', names), content))
            .Array[0, 40],
        Gen.Bool,
        (files, many) => Clean(many ? files : [.. files.Take(2)]));

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("Needs", "bsdtar")]
    public Task AnyTree_IsReadAsItWasWritten_WithItsNamesAsTheyAreAndInCapitals() => Trees.SampleAsync(async files =>
    {
        var image = IsoImage.Of("config-2", files);
        Assert.Equal(image, IsoImage.Of("config-2", files));
        var expected = files.ToDictionary(f => f.Path, f => f.Content.ToArray());
        Assert.Equal(expected, await ReadAsync(image, "joliet"));
        // Without Joliet: capitals, and no dot where there was none.
        Assert.Equal(
            expected.ToDictionary(f => f.Key.ToUpperInvariant(), f => f.Value),
            (await ReadAsync(image, "!joliet")).ToDictionary(f => f.Key.TrimEnd('.'), f => f.Value));
    }, iter: 40, threads: 1);

    [Theory]
    [Trait("Needs", "util-linux")]
    [InlineData("config-2")]
    [InlineData("cidata")]
    public async Task Label_IsWhatGuestsFindItBy(string label)
    {
        using var scratch = new Scratch();
        await File.WriteAllBytesAsync(scratch.In("image.iso"), IsoImage.Of(label, [new("meta-data", new byte[3])]), Stop);
        var found = await RunAsync("blkid", ["-p", "-o", "export", scratch.In("image.iso")], scratch.Path);
        Assert.Contains("TYPE=iso9660", found, StringComparison.Ordinal);
        Assert.Equal(label, found.Split('\n').Single(l => l.StartsWith("LABEL=", StringComparison.Ordinal))["LABEL=".Length..]);
    }

    /// <summary>More names than a sector holds, and directories of which each is read from its own.</summary>
    [Fact]
    [Trait("Needs", "bsdtar")]
    public async Task Directory_OfSeveralSectors_IsReadWhole()
    {
        IsoFile[] files = [.. Enumerable.Range(0, 64).Select(i => new IsoFile($"many/{i}-{new string('x', 25)}", Encoding.ASCII.GetBytes($"{i}")))];
        Assert.Equal(files.ToDictionary(f => f.Path, f => f.Content.ToArray()), await ReadAsync(IsoImage.Of("x", files), "joliet"));
        Assert.Equal(64, (await ReadAsync(IsoImage.Of("x", files), "!joliet")).Count);
    }

    [Theory]
    [InlineData("", "a")]
    [InlineData("a-label-that-is-too-long", "a")]
    [InlineData("köln", "a")]
    [InlineData("x", "")]
    [InlineData("x", "a//b")]
    [InlineData("x", "a b")]
    [InlineData("x", "a-name-of-more-than-28-letters")]
    public void WhatCannotBeWritten_IsRefused(string label, string path) =>
        Assert.Throws<ArgumentException>(() => IsoImage.Of(label, [new(path, default)]));

    [Fact]
    public void TwoFilesOfOneName_AreRefused() =>
        Assert.Throws<ArgumentException>(() => IsoImage.Of("x", [new("a", default), new("A", default)]));

    /// <summary>No two paths of one name but for case, and none that is another's directory.</summary>
    private static IsoFile[] Clean(IsoFile[] files)
    {
        var kept = new List<IsoFile>();
        foreach (var file in files)
        {
            var path = file.Path.ToUpperInvariant();
            if (kept.All(k => k.Path.ToUpperInvariant() is var other && other != path
                && !other.StartsWith(path + "/", StringComparison.Ordinal) && !path.StartsWith(other + "/", StringComparison.Ordinal)
                && !SharesAFolderButForCase(k.Path, file.Path)))
                kept.Add(file);
        }

        return [.. kept];
    }

    private static bool SharesAFolderButForCase(string one, string other)
    {
        string[] a = one.Split('/'), b = other.Split('/');
        for (var i = 0; i < Math.Min(a.Length, b.Length) - 1; i++)
        {
            if (a[i] == b[i]) continue;
            return string.Equals(a[i], b[i], StringComparison.OrdinalIgnoreCase);
        }

        return false;
    }

    private static async Task<Dictionary<string, byte[]>> ReadAsync(byte[] image, string names)
    {
        using var scratch = new Scratch();
        await File.WriteAllBytesAsync(scratch.In("image.iso"), image, Stop);
        Directory.CreateDirectory(scratch.In("out"));
        await RunAsync("bsdtar", ["--options", $"iso9660:{names}", "-xf", scratch.In("image.iso"), "-C", scratch.In("out")], scratch.Path);
        var found = new Dictionary<string, byte[]>();
        foreach (var file in Directory.EnumerateFiles(scratch.In("out"), "*", SearchOption.AllDirectories))
            found[Path.GetRelativePath(scratch.In("out"), file)] = await File.ReadAllBytesAsync(file, Stop);
        return found;
    }

    private static async Task<string> RunAsync(string command, string[] arguments, string directory)
    {
        var result = await ProcessCommand.RunAsync(command, arguments, directory, TimeSpan.FromSeconds(30), Stop);
        Assert.True(result.Succeeded, result.Output);
        return result.Output;
    }
}
