using Google.Protobuf;

namespace Monolith.Platform.Lists;

/// <summary>The fields that mean the same in every request that has them.</summary>
public static class Fields
{
    /// <summary>Empty when the request has no such field.</summary>
    public static string Text(IMessage request, string field) => Value(request, field) as string ?? "";

    /// <summary>0 when the request has no such field.</summary>
    public static int Number(IMessage request, string field) => Value(request, field) as int? ?? 0;

    /// <summary>False when the request has no such field.</summary>
    public static bool Flag(IMessage request, string field) => Value(request, field) as bool? ?? false;

    static object? Value(IMessage request, string field) =>
        request.Descriptor.FindFieldByName(field)?.Accessor.GetValue(request);
}
