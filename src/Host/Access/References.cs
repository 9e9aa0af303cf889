using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Monolith.Identity.Contracts;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Names;

namespace Monolith.Host.Access;

/// <summary>
/// What a request names beside the resource that it acts on: networks to attach, groups to use, an image to begin with. Methods
/// take it for granted that whoever may act in a project may use what is in it; of who may act on one resource of it alone, that
/// is asked here.
/// </summary>
internal static class References
{
    /// <param name="where">What the caller was let in for.</param>
    /// <exception cref="Fault">PERMISSION_DENIED for what the caller may not look at.</exception>
    public static async Task CheckAsync(Caller caller, IMessage request, string where, ResourceFacts facts)
    {
        var own = facts.OwnerOf(where);
        foreach (var name in In(request, Changed(request)).Distinct())
        {
            if (ResourceName.ProjectOf(name) is not { } project || !caller.Knows(project) || facts.OwnerOf(name) is { } owner && owner == own
                || where.StartsWith(name + "/", StringComparison.Ordinal)) continue;
            var permission = LookingAt(name);
            if (permission is not null && (caller.May(permission, project) || await facts.GivingAsync(caller, permission, name) is { Count: > 0 })) continue;
            throw Fault.Denied(permission ?? "identity.projects.get", "projects/" + project, caller.Name);
        }
    }

    /// <summary>Null: nobody looks at such a thing by itself.</summary>
    static string? LookingAt(string name) => name.Split('/') is [_, _, var collection, ..]
        ? DeclaredMethods.Permissions.FirstOrDefault(p => p.EndsWith($".{collection}.get", StringComparison.Ordinal))
        : null;

    /// <summary>The fields of the resource that an update changes: what else a client sends back is not looked at. Null: all.</summary>
    static HashSet<string>? Changed(IMessage request) =>
        request.Descriptor.FindFieldByName("update_mask")?.Accessor.GetValue(request) is FieldMask { Paths.Count: > 0 } mask && !mask.Paths.Contains("*")
            ? [.. mask.Paths.Select(p => p.Split('.')[0])]
            : null;

    static IEnumerable<string> In(IMessage message, HashSet<string>? changed = null) => message.Descriptor.Fields.InDeclarationOrder()
        .SelectMany(field => changed is not null && field.Accessor.GetValue(message) is IMessage resource && resource.Descriptor.FindFieldByName("name") is not null
            ? resource.Descriptor.Fields.InDeclarationOrder().Where(f => changed.Contains(f.Name)).SelectMany(f => Of(resource, f))
            : Of(message, field));

    static IEnumerable<string> Of(IMessage message, FieldDescriptor field) => field.Accessor.GetValue(message) switch
    {
        string text => [text],
        IMessage inner => In(inner),
        System.Collections.IDictionary => [],
        System.Collections.IEnumerable many when field.IsRepeated =>
            many.Cast<object>().SelectMany(item => item is string text ? [text] : item is IMessage inner ? In(inner) : []),
        _ => [],
    };
}
