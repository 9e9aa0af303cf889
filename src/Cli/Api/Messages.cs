using System.Collections;
using System.Globalization;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;

namespace Monolith.Cli.Api;

/// <summary>
/// Reads and writes messages by field name, by their descriptors: one piece of code serves every noun, and nothing
/// here needs reflection over .NET types.
/// </summary>
internal static class Messages
{
    public static IMessage New(MessageDescriptor type) => type.Parser.ParseFrom(ReadOnlySpan<byte>.Empty);

    public static bool Has(IMessage message, string field) => message.Descriptor.FindFieldByName(field) is not null;

    /// <summary>A value by its path of proto field names; null when a part of the path is unset.</summary>
    public static object? Get(IMessage message, string path)
    {
        object? at = message;
        foreach (var part in path.Split('.'))
        {
            if (at is not IMessage inner || inner.Descriptor.FindFieldByName(part) is not { } field)
                return null;
            if (field.HasPresence && !field.Accessor.HasValue(inner))
                return null;
            at = field.Accessor.GetValue(inner);
        }
        return at;
    }

    public static string Text(IMessage message, string path) => Get(message, path) as string ?? "";

    public static bool Flag(IMessage message, string path) => Get(message, path) is true;

    public static IEnumerable<T> Many<T>(IMessage message, string path) =>
        Get(message, path) is IEnumerable list ? list.OfType<T>() : [];

    public static DateTimeOffset? Time(IMessage message, string path) =>
        (Get(message, path) as Timestamp)?.ToDateTimeOffset();

    /// <summary>
    /// Sets a field when the message has one of that name, so that callers need not know which requests do.
    /// </summary>
    public static void Set(IMessage message, string field, object? value)
    {
        if (value is not null && message.Descriptor.FindFieldByName(field) is { } known)
            known.Accessor.SetValue(message, value);
    }

    /// <summary>An enum's value without the prefix that repeats the type: <c>STATE_READY</c> is <c>READY</c>.</summary>
    public static string Enum(IMessage message, string path)
    {
        var at = path.LastIndexOf('.');
        var owner = at < 0 ? message : Get(message, path[..at]) as IMessage;
        if (owner?.Descriptor.FindFieldByName(path[(at + 1)..]) is not { FieldType: FieldType.Enum } field)
            return "";
        return EnumName(field.EnumType, Convert.ToInt32(field.Accessor.GetValue(owner), CultureInfo.InvariantCulture));
    }

    public static string EnumName(EnumDescriptor type, int number)
    {
        if (number == 0)
            return "";
        var name = type.FindValueByNumber(number)?.Name;
        return name is null ? number.ToString(CultureInfo.InvariantCulture) : name[EnumPrefix(type).Length..];
    }

    /// <summary>The values that a person may write for an enum.</summary>
    public static IEnumerable<string> EnumWords(EnumDescriptor type) =>
        type.Values.Where(value => value.Number != 0)
            .Select(value => value.Name[EnumPrefix(type).Length..].ToLowerInvariant().Replace('_', '-'));

    public static string EnumPrefix(EnumDescriptor type) => Snake(type.Name).ToUpperInvariant() + "_";

    /// <summary><c>SecurityGroup</c> is <c>security_group</c>.</summary>
    public static string Snake(string camel)
    {
        var text = new StringBuilder(camel.Length + 4);
        foreach (var letter in camel)
        {
            if (char.IsAsciiLetterUpper(letter) && text.Length > 0)
                text.Append('_');
            text.Append(char.ToLowerInvariant(letter));
        }
        return text.ToString();
    }
}
