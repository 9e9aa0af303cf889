using System.Collections.Concurrent;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Monolith.Host.Access;

/// <summary>
/// Where a request acts: its <c>parent</c>, or the one thing in it that its <c>name</c> asks for; else its <c>name</c>, else the <c>parent</c> or <c>name</c> of its first
/// message field that has one (<c>server.name</c> of an update, <c>header.parent</c> of an upload).
/// </summary>
internal static class RequestScope
{
    static readonly ConcurrentDictionary<MessageDescriptor, Func<IMessage, string>> Readers = new();

    /// <summary>The resource name; empty when the request names none.</summary>
    public static string Of(IMessage request) => Readers.GetOrAdd(request.Descriptor, Reader)(request);

    static Func<IMessage, string> Reader(MessageDescriptor type)
    {
        if (NameField(type) is { } field)
        {
            // A watch of one thing.
            if (field.Name == "parent" && type.FindFieldByName("name") is { FieldType: FieldType.String, IsRepeated: false } one)
                return message => ((string)field.Accessor.GetValue(message), (string)one.Accessor.GetValue(message)) is var (parent, name)
                    && name.StartsWith(parent + "/", StringComparison.Ordinal) ? name : (string)field.Accessor.GetValue(message);
            return message => (string)field.Accessor.GetValue(message);
        }
        foreach (var outer in type.Fields.InDeclarationOrder())
            if (outer is { FieldType: FieldType.Message, IsRepeated: false } && NameField(outer.MessageType) is { } inner)
                return message => outer.Accessor.GetValue(message) is IMessage held
                    ? (string)inner.Accessor.GetValue(held)
                    : "";
        return _ => "";
    }

    static FieldDescriptor? NameField(MessageDescriptor type)
    {
        foreach (var name in (ReadOnlySpan<string>)["parent", "name"])
            if (type.FindFieldByName(name) is { FieldType: FieldType.String, IsRepeated: false } field) return field;
        return null;
    }
}
