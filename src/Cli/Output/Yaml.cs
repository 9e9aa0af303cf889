using System.Text;
using System.Text.Json;

namespace Monolith.Cli.Output;

/// <summary>Writes JSON as YAML 1.2 in block style. Text that could be read as something else is quoted.</summary>
internal static class Yaml
{
    public static string Of(string json)
    {
        using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 128 });
        var text = new StringBuilder();
        Write(document.RootElement, 0, text, inline: false);
        return text.ToString();
    }

    static void Write(JsonElement value, int depth, StringBuilder text, bool inline)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object when value.EnumerateObject().Any():
                foreach (var property in value.EnumerateObject())
                {
                    Indent(text, inline ? 0 : depth);
                    inline = false;
                    text.Append(Scalar(property.Name)).Append(':');
                    Nested(property.Value, depth, text);
                }
                break;
            case JsonValueKind.Array when value.GetArrayLength() > 0:
                foreach (var item in value.EnumerateArray())
                {
                    Indent(text, inline ? 0 : depth);
                    inline = false;
                    text.Append("- ");
                    Write(item, depth + 1, text, inline: true);
                }
                break;
            case JsonValueKind.Object:
                text.Append("{}\n");
                break;
            case JsonValueKind.Array:
                text.Append("[]\n");
                break;
            case JsonValueKind.String:
                text.Append(Scalar(value.GetString()!)).Append('\n');
                break;
            default:
                text.Append(value.GetRawText()).Append('\n');
                break;
        }
    }

    static void Nested(JsonElement value, int depth, StringBuilder text)
    {
        var block = value.ValueKind switch
        {
            JsonValueKind.Object => value.EnumerateObject().Any(),
            JsonValueKind.Array => value.GetArrayLength() > 0,
            _ => false,
        };
        text.Append(block ? '\n' : ' ');
        Write(value, depth + 1, text, inline: false);
    }

    static void Indent(StringBuilder text, int depth) => text.Append(' ', depth * 2);

    static string Scalar(string text) => IsPlain(text) ? text : Quoted(text);

    static bool IsPlain(string text) =>
        text.Length > 0
        && (char.IsAsciiLetter(text[0]) || text[0] is '_' or '/')
        && text.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '_' or '-' or '.' or '/' or '@' or '+')
        && text.ToLowerInvariant() is not ("true" or "false" or "null" or "yes" or "no" or "on" or "off" or "y" or "n");

    // A JSON string is a YAML double-quoted scalar.
    static string Quoted(string text) => '"' + JsonEncodedText.Encode(text).ToString() + '"';
}
