using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Monolith.Agent.Images;

/// <summary>SHA-256 of an image's bytes, written <c>sha256:</c> and 64 lower-case hexadecimal digits.</summary>
[JsonConverter(typeof(JsonText))]
public readonly record struct ImageDigest : IParsable<ImageDigest>
{
    private const string Prefix = "sha256:";
    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789abcdef");

    private ImageDigest(string hex) => Hex = hex;

    /// <summary>64 lower-case hexadecimal digits.</summary>
    public string Hex { get; }

    /// <summary>The name of the image's file in the cache.</summary>
    public string FileName => $"sha256-{Hex}";

    public override string ToString() => Prefix + Hex;

    public static ImageDigest FromHash(ReadOnlySpan<byte> hash) => new(Convert.ToHexStringLower(hash));

    public static ImageDigest Parse(string s, IFormatProvider? provider = null) =>
        TryParse(s, provider, out var digest) ? digest : throw new FormatException($"\"{s}\" is not sha256:<64 hex>");

    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out ImageDigest result)
    {
        result = default;
        if (s is null || !s.StartsWith(Prefix, StringComparison.Ordinal)) return false;
        var hex = s[Prefix.Length..];
        if (hex.Length != 64 || hex.AsSpan().ContainsAnyExcept(Digits)) return false;
        result = new ImageDigest(hex);
        return true;
    }

    internal static bool TryParseFileName(string name, out ImageDigest digest) =>
        TryParse(name.Replace('-', ':'), null, out digest);

    internal sealed class JsonText : JsonConverter<ImageDigest>
    {
        public override ImageDigest Read(
            ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            TryParse(reader.GetString(), null, out var digest)
                ? digest
                : throw new JsonException("not an image digest");

        public override void Write(Utf8JsonWriter writer, ImageDigest value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.ToString());
    }
}

/// <summary>What an image's bytes are. Always said, never guessed from the bytes.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<DiskFormat>))]
public enum DiskFormat
{
    Raw,
    Qcow2,
}
