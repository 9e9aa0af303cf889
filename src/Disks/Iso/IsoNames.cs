using System.Text;

namespace Monolith.Disks.Iso;

/// <summary>How one volume writes the names of the tree that it shares with the other.</summary>
internal abstract class IsoNames
{
    /// <summary>In capitals, as every system reads them. Hyphens stay, which no reader minds.</summary>
    public static readonly IsoNames Plain = new Capitals();

    /// <summary>As they are, in UCS-2.</summary>
    public static readonly IsoNames Joliet = new AsTheyAre();

    /// <summary>Of the volume's descriptor.</summary>
    public abstract byte Kind { get; }

    /// <summary>Says how texts are written (ECMA-119 8.5.6).</summary>
    public abstract ReadOnlySpan<byte> Escape { get; }

    public abstract byte[] Folder(string name);

    public abstract byte[] File(string name);

    /// <summary>Fills a field, with spaces behind the text.</summary>
    public abstract void Text(Span<byte> field, string text);

    private sealed class Capitals : IsoNames
    {
        public override byte Kind => 1;

        public override ReadOnlySpan<byte> Escape => [];

        public override byte[] Folder(string name) => Encoding.ASCII.GetBytes(name.ToUpperInvariant());

        public override byte[] File(string name) =>
            Folder(name.Contains('.', StringComparison.Ordinal) ? name + ";1" : name + ".;1");

        public override void Text(Span<byte> field, string text) =>
            Encoding.ASCII.GetBytes(text.PadRight(field.Length)).CopyTo(field);
    }

    private sealed class AsTheyAre : IsoNames
    {
        public override byte Kind => 2;

        // UCS-2, level 3.
        public override ReadOnlySpan<byte> Escape => "%/E"u8;

        public override byte[] Folder(string name) => Encoding.BigEndianUnicode.GetBytes(name);

        public override byte[] File(string name) => Folder(name + ";1");

        // Where a field has an odd length, its last byte is not used.
        public override void Text(Span<byte> field, string text) =>
            Encoding.BigEndianUnicode.GetBytes(text.PadRight(field.Length / 2)).CopyTo(field);
    }
}
