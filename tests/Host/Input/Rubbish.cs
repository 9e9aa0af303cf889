using System.Collections;
using System.Globalization;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Monolith.Host.Tests.Input;

/// <summary>
/// Messages of the right type with contents from hell: every field may be empty, extreme, too long, too many, of the
/// right form but absent, or plain noise. What belongs to other tests, and who could lock everybody out, is never named.
/// </summary>
/// <param name="names">Of what is there. With them, messages are almost right: most fields are left out or hold what could be
/// meant.</param>
internal sealed class Rubbish(Random random, IReadOnlyList<string>? names = null)
{
    const int MaxDepth = 4;

    static readonly string[] Words =
    [
        "", " ", "x", "-", "r1", "Bad_Id", "a-", "-a", "..", "../../etc/passwd", "projects/rubbish", "projects/-",
        "projects/", "projects", "projects//servers/", "projects/rubbish/servers/none", "projects/rubbish/networks/r1",
        "projects/rubbish/images/r1", "projects/rubbish/zones/r1", "projects/rubbish/zones/r1/recordSets/www.A",
        "projects/rubbish/securityGroups/default", "projects/rubbish/loadBalancers/r1", "projects/rubbish/keyPairs/r1", "projects/rubbish/serviceAccounts/r1",
        "projects/rubbish/ports/r1", "users/none", "users/none/tokens/x", "roles/member", "roles/none", "flavors/none",
        "addressPools/none", "hypervisors/none", "roleBindings/x", "nodes/none", "mj1.a.b.c", "*", "display_name",
        "labels", "update_mask", "w0", "w99999999999999999999", "9223372036854775807", "-1", "1e400", "NaN",
        "10.0.0.0/8", "10.0.0.1", "::/0", "fe80::1%1", "300.1.1.1", "10.0.0.0/33", "TCP", "A", "CNAME", "TXT", "SOA",
        "example.org", "*.example.org", "a..b", "xn--", "\"", "'", "\\", "name=", "name = \"x\" AND", "((((", "NOT NOT",
        "labels.a:*", "state=READY", "create_time>x", "name:\0", "\0", "\u0001\u001f", "\r\n", "'; DROP TABLE servers; --",
        "<script>", "%s%n", "{0}", "${jndi}", "é", "日本語", "\ud83d\ude00", "\u202e", "A\u0301", "ssh-ed25519 AAAA",
        "ssh-rsa !!!!", "-----BEGIN CERTIFICATE-----", "00000000-0000-0000-0000-000000000000", "not-a-uuid",
    ];

    static readonly long[] Numbers = [0, 1, -1, 2, 80, 255, 256, 65535, 65536, int.MaxValue, int.MinValue, long.MaxValue,
        long.MinValue, uint.MaxValue, 1L << 40, 86_400, 1_000_000_000];

    public IMessage Make(MessageDescriptor type) => Make(type, 0);

    IMessage Make(MessageDescriptor type, int depth)
    {
        var message = type.Parser.ParseFrom(ByteString.Empty);
        foreach (var field in type.Fields.InDeclarationOrder())
        {
            if (random.Next(10) < (names is null ? 3 : Tokens.Contains(field.Name) ? 9 : 6)) continue;
            if (field.IsMap) Fill((IDictionary)field.Accessor.GetValue(message), field.MessageType, depth);
            else if (field.IsRepeated) Fill((IList)field.Accessor.GetValue(message), field, depth);
            else if (Value(field, depth) is { } value) field.Accessor.SetValue(message, value);
        }
        return message;
    }

    void Fill(IDictionary map, MessageDescriptor entry, int depth)
    {
        for (var n = Count(); n > 0; n--)
            if (Value(entry.FindFieldByNumber(1), depth) is { } key && Value(entry.FindFieldByNumber(2), depth) is { } value)
                map[key] = value;
    }

    void Fill(IList list, FieldDescriptor field, int depth)
    {
        for (var n = Count(); n > 0; n--)
            if (Value(field, depth) is { } value) list.Add(value);
    }

    int Count() => random.Next(20) == 0 ? 300 : random.Next(4);

    object? Value(FieldDescriptor field, int depth) => field.FieldType switch
    {
        FieldType.String => Text(field),
        FieldType.Bytes => Bytes(),
        FieldType.Bool => random.Next(2) == 0,
        FieldType.Int32 or FieldType.SInt32 or FieldType.SFixed32 => unchecked((int)Number()),
        FieldType.UInt32 or FieldType.Fixed32 => unchecked((uint)Number()),
        FieldType.Int64 or FieldType.SInt64 or FieldType.SFixed64 => Number(),
        FieldType.UInt64 or FieldType.Fixed64 => unchecked((ulong)Number()),
        FieldType.Double => (double)Number() * 1e300,
        FieldType.Float => (float)Number(),
        // Of the others there is one next authority at a time, which other tests make.
        FieldType.Enum when names is null && field.FullName == "monolith.identity.v1.CertificateAuthority.use" && random.Next(2) == 0 =>
            Monolith.Identity.V1.CertificateAuthority.Types.Use.Nodes,
        FieldType.Enum when names is null && field.FullName == "monolith.identity.v1.CertificateAuthority.use" => null,
        FieldType.Enum => Enum.ToObject(field.EnumType.ClrType, random.Next(4) == 0
            ? unchecked((int)Number())
            : random.Next(field.EnumType.Values.Count)),
        FieldType.Message when depth < MaxDepth => Make(field.MessageType, depth + 1),
        _ => null,
    };

    static readonly long[] Small = [0, 1, 2, 3, 22, 80, 1024];

    // What is right in one way only, or empty.
    static readonly string[] Tokens = ["request_id", "page_token", "resume_token", "etag", "filter", "update_mask"];

    /// <summary>A name of the kind that the field is called after, where there is one.</summary>
    string Meant(FieldDescriptor field)
    {
        var kind = field.JsonName.TrimEnd('s');
        var fitting = names!.Where(n => n.Contains($"/{kind}", StringComparison.OrdinalIgnoreCase)).ToList();
        return fitting.Count > 0 ? fitting[random.Next(fitting.Count)] : names![random.Next(names!.Count)];
    }

    long Number() => names is not null && random.Next(2) == 0 ? Small[random.Next(Small.Length)]
        : random.Next(4) == 0 ? random.NextInt64(long.MinValue, long.MaxValue) : Numbers[random.Next(Numbers.Length)];

    ByteString Bytes()
    {
        var bytes = new byte[random.Next(5) == 0 ? 100_000 : random.Next(64)];
        random.NextBytes(bytes);
        return ByteString.CopyFrom(bytes);
    }

    string Text(FieldDescriptor field)
    {
        if (names is not null && random.Next(10) > 0) return Meant(field);
        var word = Words[random.Next(Words.Length)];
        return random.Next(12) switch
        {
            0 => new string('a', random.Next(64, 5000)),
            1 => word + Words[random.Next(Words.Length)],
            2 => string.Concat(Enumerable.Range(0, random.Next(40)).Select(_ => (char)random.Next(1, 0xd7ff))),
            3 => "r" + random.Next(1000).ToString(CultureInfo.InvariantCulture),
            4 => Guid.NewGuid().ToString(),
            _ => word,
        };
    }
}
