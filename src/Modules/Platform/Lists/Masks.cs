using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Monolith.Platform.Faults;

namespace Monolith.Platform.Lists;

/// <summary>Update masks (AIP-134, AIP-161).</summary>
public static class Masks
{
    /// <summary>
    /// The fields to change, in proto names. An empty mask means every changeable field that is set in the resource;
    /// <c>*</c> means all changeable fields.
    /// </summary>
    /// <param name="changeable">Top-level fields that may be named.</param>
    /// <param name="violations">Gets one for each path that names something else.</param>
    public static IReadOnlySet<string> Changed(FieldMask? mask, IMessage resource, IReadOnlyCollection<string> changeable,
        Violations violations)
    {
        if (mask is null || mask.Paths.Count == 0)
            return changeable.Where(field => IsSet(resource, field)).ToHashSet(StringComparer.Ordinal);
        if (mask.Paths is ["*"]) return changeable.ToHashSet(StringComparer.Ordinal);
        var changed = new HashSet<string>(StringComparer.Ordinal);
        foreach (var path in mask.Paths)
            if (violations.Require(changeable.Contains(path), "update_mask",
                $"'{path}' cannot be changed here; these can: {string.Join(", ", changeable)}"))
                changed.Add(path);
        return changed;
    }

    static bool IsSet(IMessage resource, string field)
    {
        var accessor = resource.Descriptor.FindFieldByName(field)?.Accessor
            ?? throw new ArgumentException($"{resource.Descriptor.Name} has no field {field}");
        return accessor.GetValue(resource) switch
        {
            System.Collections.ICollection many => many.Count > 0,
            string text => text.Length > 0,
            ByteString bytes => bytes.Length > 0,
            bool flag => flag,
            System.Enum value => System.Convert.ToInt32(value, null) != 0,
            int number => number != 0,
            long number => number != 0,
            uint number => number != 0,
            double number => number != 0,
            null => false,
            _ => true,
        };
    }
}
