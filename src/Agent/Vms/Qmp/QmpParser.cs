using System.Text.Json;

namespace Monolith.Agent.Vms.Qmp;

/// <summary>Lines of JSON to messages. Pure; throws nothing but <see cref="QmpProtocolException"/>.</summary>
internal static class QmpParser
{
    /// <summary>The longest line that we take, in bytes. The longest answer that we ask for is a few KiB.</summary>
    public const int LineLimit = 1024 * 1024;

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 32 };

    public static QmpMessage Parse(ReadOnlyMemory<byte> line)
    {
        try
        {
            using var document = JsonDocument.Parse(line, Options);
            return Read(document.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new QmpProtocolException($"QEMU sent {line.Length} bytes that are not QMP: {e.Message}", e);
        }
    }

    private static QmpMessage Read(JsonElement root)
    {
        if (root.TryGetProperty("event", out var name))
            return new QmpMessage.Event(Text(name), Data(root, "data"));
        if (root.TryGetProperty("return", out var value))
            return new QmpMessage.Return(Id(root) ?? throw new FormatException("a return without id"), value.Clone());
        if (root.TryGetProperty("error", out var error))
            return new QmpMessage.Error(
                Id(root), Text(Property(error, "class")), Text(Property(error, "desc")));
        if (root.TryGetProperty("QMP", out var greeting))
        {
            var version = Property(Property(greeting, "version"), "qemu");
            return new QmpMessage.Greeting(
                Number(version, "major"), Number(version, "minor"), Number(version, "micro"));
        }
        throw new FormatException("neither greeting, return, error nor event");
    }

    private static long? Id(JsonElement root) => root.TryGetProperty("id", out var id) ? id.GetInt64() : null;

    private static int Number(JsonElement element, string name) => Property(element, name).GetInt32();

    private static string Text(JsonElement element) => element.GetString() ?? throw new FormatException("null text");

    private static JsonElement Property(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) ? value : throw new FormatException($"no {name}");

    private static JsonElement Data(JsonElement root, string name) =>
        root.TryGetProperty(name, out var data) ? data.Clone() : default;
}
