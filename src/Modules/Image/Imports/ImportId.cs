namespace Monolith.Image.Imports;

/// <summary>The uid of the image that is imported.</summary>
internal readonly record struct ImportId(Guid Uid)
{
    public override string ToString() => Uid.ToString();
}
