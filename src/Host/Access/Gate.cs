using Google.Protobuf;
using Monolith.Identity.Contracts;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Names;

namespace Monolith.Host.Access;

/// <summary>May this caller do this here? The decision alone, apart from where caller and request come from.</summary>
internal static class Gate
{
    /// <summary>A node's right has no project.</summary>
    /// <exception cref="Fault">PERMISSION_DENIED.</exception>
    public static void CheckNode(Caller caller, Requirement requirement)
    {
        if (!caller.May(requirement.Permission, null)) throw Fault.Denied(requirement.Permission, "the cloud", caller.Name);
    }

    /// <param name="where">The resource name that the request acts on or in; empty when it names none.</param>
    /// <exception cref="Fault">NOT_FOUND for a project that the caller may not know of, else PERMISSION_DENIED.</exception>
    /// <param name="request">What is asked for; null: nothing that names anything.</param>
    /// <param name="facts">For who may something to single resources alone.</param>
    public static async ValueTask CheckAsync(Caller caller, Requirement requirement, string where, IMessage? request, IProjects projects, ResourceFacts facts)
    {
        if (requirement.Permission.Length == 0) return;
        var project = ResourceName.ScopeOf(where);
        if (requirement.Anywhere || project == "-")
        {
            if (caller.ProjectsWith(requirement.Permission) is not { Count: 0 }) return;
            throw Fault.Denied(requirement.Permission, "any project", caller.Name);
        }
        if (project is null)
        {
            if (!caller.May(requirement.Permission, null))
                throw Fault.Denied(requirement.Permission, "the cloud", caller.Name);
            return;
        }
        // Whether another's project exists is nobody's business: the answer is the same in either case.
        if (!caller.Knows(project)) throw Fault.NotFound(where);
        if (!caller.May(requirement.Permission, project))
        {
            if (await facts.GivingAsync(caller, requirement.Permission, where) is { Count: 0 })
                throw Fault.Denied(requirement.Permission, ResourceName.ScopeName(project), caller.Name);
            if (request is not null) await References.CheckAsync(caller, request, where, facts);
        }
        if (ResourceName.ProjectOf(where) is null) return;
        // The project's own methods say so themselves, and answer a repeated deletion as they did the first time.
        if (where.Length > "projects/".Length + project.Length && !projects.Exists(project)
            || where.Length == "projects/".Length + project.Length
            && !requirement.Permission.StartsWith("identity.projects.", StringComparison.Ordinal)
            && !projects.Exists(project))
            throw Fault.NotFound("projects/" + project);
    }
}
