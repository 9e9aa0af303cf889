using Monolith.Identity.Access;
using Monolith.Identity.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;
using Role = Monolith.Identity.Access.Role;

namespace Monolith.Identity.Domains;

internal static class DomainRules
{
    const string Make = "identity.projects.create", Delete = "identity.projects.delete";
    static readonly string[] Changeable = ["display_name", "labels"];

    public static void Check(CreateDomainRequest request)
    {
        var violations = new Violations();
        violations.Id("domain_id", request.DomainId);
        if (request.Domain is { } domain) CheckWords(domain, violations);
        violations.ThrowIfAny();
    }

    /// <returns>The fields to change.</returns>
    public static IReadOnlySet<string> Check(UpdateDomainRequest request)
    {
        var violations = new Violations();
        if (!violations.Require(request.Domain is not null, "domain", "is required")) violations.ThrowIfAny();
        ResourceName.Parse("domains/*", request.Domain!.Name, "domain.name", violations);
        var changed = Masks.Changed(request.UpdateMask, request.Domain, Changeable, violations);
        CheckWords(request.Domain, violations);
        violations.ThrowIfAny();
        return changed;
    }

    /// <param name="domain">Where a project is to be made; empty: in none.</param>
    /// <exception cref="Fault">NOT_FOUND for a domain that the caller may not know of, else PERMISSION_DENIED.</exception>
    public static void CheckMay(Caller caller, string domain) => CheckMay(caller, Make, domain.Length == 0 ? null : domain);

    /// <summary>A move is a deletion there and a creation here; and whoever has a role here has it in the project then, which nobody
    /// gives who does not have it.</summary>
    /// <param name="bound">The roles that are bound on the domain.</param>
    public static void CheckMove(Caller caller, string project, string to, IEnumerable<Role> bound)
    {
        CheckMay(caller, to);
        CheckMay(caller, Delete, project);
        foreach (var role in bound)
            if (Roles.Missing(role.OnDomain, caller, project) is { Count: > 0 } missing)
                throw new Fault(Grpc.Core.StatusCode.PermissionDenied, "GIVES_MORE_THAN_HELD",
                    $"{caller.Name} lacks on projects/{project} what {role.Name} would give there to who has it on {to}: {string.Join(", ", missing.Take(10))}. "
                    + "Somebody who has these can move it.")
                {
                    Metadata = new Dictionary<string, string> { ["role"] = role.Name, ["scope"] = to, ["missing"] = string.Join(",", missing) },
                };
    }

    static void CheckMay(Caller caller, string permission, string? scope)
    {
        if (caller.May(permission, scope)) return;
        if (scope is not null && !caller.Knows(scope)) throw Fault.NotFound(scope);
        throw Fault.Denied(permission, scope is null ? "the cloud" : ResourceName.ScopeName(scope), caller.Name);
    }

    static void CheckWords(Domain domain, Violations violations)
    {
        violations.DisplayName("domain.display_name", domain.DisplayName);
        violations.Labels("domain.labels", domain.Labels);
    }
}
