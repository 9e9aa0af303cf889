using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Monolith.Network.AddressPools;

namespace Monolith.Network.Addresses.Exchange;

/// <summary>
/// The address book as NetBox has it: <c>prefixes</c>, <c>ip-ranges</c> and <c>ip-addresses</c>, each with status, role,
/// tenant and description. What NetBox has no field for is a custom field: a prefix's pool, and a reservation's id. A
/// tenant is a project, a prefix's site an availability zone, its role the purpose.
/// </summary>
internal static class NetboxBook
{
    public const string Prefixes = "prefixes", Ranges = "ip-ranges", Addresses = "ip-addresses";

    static readonly JsonWriterOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The object of a line.</summary>
    public static string Write(BookLine line)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, Relaxed))
        {
            json.WriteStartObject();
            switch (SectionOf(line))
            {
                case Prefixes:
                    json.WriteString("prefix", line.Value);
                    Status(json, "active");
                    Named(json, "role", "slug", line.Purpose);
                    Named(json, "site", "slug", line.Zone);
                    break;
                case Ranges:
                    var range = AddressPoolRules.ReadRange(line.Value);
                    json.WriteString("start_address", Host(range.First));
                    json.WriteString("end_address", Host(range.Last));
                    Status(json, line.Kind == BookKind.Exclusion ? "deprecated" : "reserved");
                    break;
                default:
                    var one = AddressPoolRules.ReadRange(line.Value);
                    json.WriteString("address", Host(one.First));
                    Status(json, line.Kind switch
                    {
                        BookKind.Exclusion => "deprecated",
                        BookKind.Address => "active",
                        _ => "reserved",
                    });
                    break;
            }
            Named(json, "tenant", "slug", line.Project);
            json.WriteString("description", line.Note);
            json.WriteStartObject("custom_fields");
            Custom(json, "address_pool", line.Pool);
            Custom(json, "quarantine_seconds", line.Quarantine);
            Custom(json, "announcement", line.Announcement);
            Custom(json, "reservation", line.Id);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
    }

    /// <summary>The list that the line stands in.</summary>
    public static string SectionOf(BookLine line) => line.Kind == BookKind.Prefix ? Prefixes
        : IpRange.TryParse(line.Value, out var range, out _) && range.First != range.Last ? Ranges : Addresses;

    /// <summary>Lists may be bare, or NetBox's own answers with <c>results</c>.</summary>
    public static BookFile Read(byte[] content)
    {
        var file = new BookFile();
        var reader = new Utf8JsonReader(content, new JsonReaderOptions { AllowTrailingCommas = true });
        var lines = new LineCounter(content);
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                file.Wrong(1, "must be an object with " + string.Join(", ", Prefixes, Ranges, Addresses));
                return file;
            }
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var section = reader.GetString()!.Replace('_', '-');
                var line = lines.At(reader.TokenStartIndex);
                reader.Read();
                if (section is Prefixes or Ranges or Addresses) Section(ref reader, section, file, lines);
                else
                {
                    file.Wrong(line, $"has '{section}'; there are {string.Join(", ", Prefixes, Ranges, Addresses)}");
                    reader.Skip();
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            file.Wrong(e is JsonException { LineNumber: { } at } ? (int)at + 1 : lines.At(reader.TokenStartIndex),
                "is no JSON: " + e.Message);
        }
        return file;
    }

    static void Section(ref Utf8JsonReader reader, string section, BookFile file, LineCounter lines)
    {
        if (reader.TokenType == JsonTokenType.StartObject)
        {
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isList = reader.GetString() == "results";
                reader.Read();
                if (isList) Section(ref reader, section, file, lines);
                else reader.Skip();
            }
            return;
        }
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            file.Wrong(lines.At(reader.TokenStartIndex), $"'{section}' must be a list");
            reader.Skip();
            return;
        }
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            var line = lines.At(reader.TokenStartIndex);
            using var document = JsonDocument.ParseValue(ref reader);
            if (document.RootElement.ValueKind != JsonValueKind.Object) file.Wrong(line, $"'{section}' must be a list of objects");
            else if (file.Lines.Count >= BookFile.MaxLines)
                throw new InvalidOperationException($"more than {BookFile.MaxLines} objects at once");
            else Take(file, section, line, document.RootElement);
        }
    }

    static void Take(BookFile file, string section, int line, JsonElement item)
    {
        var status = Text(item, "status", "value");
        var kind = (section, status) switch
        {
            (Prefixes, "active" or "") => BookKind.Prefix,
            // What holds prefixes is no pool's.
            (Prefixes, "container") => (BookKind?)null,
            (Prefixes, _) => BookKind.Prefix,
            (_, "deprecated") => BookKind.Exclusion,
            (Addresses, "active" or "dhcp" or "slaac") => BookKind.Address,
            _ => BookKind.Reservation,
        };
        if (kind is null) return;
        if (section == Prefixes && status is not ("active" or ""))
        {
            file.Wrong(line, $"is a prefix with the status '{status}'; active ones are imported, and containers left out");
            return;
        }
        var value = section switch
        {
            Prefixes => Text(item, "prefix"),
            Ranges => $"{Bare(Text(item, "start_address"))}-{Bare(Text(item, "end_address"))}",
            _ => Bare(Text(item, "address")),
        };
        var custom = item.TryGetProperty("custom_fields", out var fields) && fields.ValueKind == JsonValueKind.Object
            ? fields
            : default;
        file.Lines.Add(new BookLine(line, kind.Value, value)
        {
            Pool = Text(custom, "address_pool"),
            Purpose = section == Prefixes ? Text(item, "role", "slug", "name") : "",
            Zone = section == Prefixes ? Text(item, "site", "slug", "name") : "",
            Project = Text(item, "tenant", "slug", "name"),
            Quarantine = Text(custom, "quarantine_seconds"),
            Announcement = Text(custom, "announcement"),
            Id = Text(custom, "reservation"),
            Note = Text(item, "description"),
        });
    }

    /// <summary>A text or number, or an object's first of these.</summary>
    static string Text(JsonElement item, string name, params string[] inside)
    {
        if (item.ValueKind != JsonValueKind.Object || !item.TryGetProperty(name, out var value)) return "";
        return value.ValueKind switch
        {
            JsonValueKind.String => value.GetString()!,
            JsonValueKind.Number => value.GetRawText(),
            JsonValueKind.Object => inside.Select(key => Text(value, key)).FirstOrDefault(text => text.Length > 0) ?? "",
            _ => "",
        };
    }

    // NetBox writes an address with the length of its network.
    static string Bare(string address) => address.Split('/')[0];

    static string Host(Ip ip) => $"{ip}/{(ip.Family == 4 ? 32 : 128)}";

    static void Status(Utf8JsonWriter json, string status) => Named(json, "status", "value", status);

    static void Named(Utf8JsonWriter json, string name, string key, string value)
    {
        if (value.Length == 0)
        {
            json.WriteNull(name);
            return;
        }
        json.WriteStartObject(name);
        json.WriteString(key, value);
        json.WriteEndObject();
    }

    static void Custom(Utf8JsonWriter json, string name, string value)
    {
        if (value.Length > 0) json.WriteString(name, value);
    }

    /// <summary>Lines of places that come in order, from 1.</summary>
    sealed class LineCounter(byte[] content)
    {
        int counted;
        int line = 1;

        public int At(long place)
        {
            for (; counted < place && counted < content.Length; counted++)
                if (content[counted] == '\n') line++;
            return line;
        }
    }
}
