using Monolith.Identity.Contracts;
using Monolith.Platform.Calls;

namespace Monolith.Identity.Access;

/// <summary>Where a role may be bound.</summary>
[Flags]
internal enum RoleScope
{
    /// <summary>Nowhere: it comes with a node's certificate.</summary>
    None = 0,
    Cloud = 1,
    Project = 2,
    Domain = 4,
}

/// <summary>A role, built in or not. Immutable.</summary>
/// <param name="For">Whom it is for.</param>
internal sealed record Role(string Name, string For, RoleScope Scope, PermissionSet Permissions)
{
    PermissionSet? onProject, onDomain;

    /// <summary>What it gives on a project.</summary>
    public PermissionSet OnProject => onProject ??= Roles.WithinProject(Permissions);

    /// <summary>What it gives on a domain, and in the projects there.</summary>
    public PermissionSet OnDomain => onDomain ??= Roles.WithinDomain(Permissions);

    public PermissionSet On(string scope) => scope.Length == 0 ? Permissions : Roles.IsDomain(scope) ? OnDomain : OnProject;
}

/// <summary>
/// The built-in roles, and what holds of all. A pattern <c>x.*</c> stands for all that begin so, <c>*.x</c> for all that end so.
/// On a project a role holds only what <c>roles/projectAdmin</c> could hold there: a name that lies in a project must
/// never open what belongs to everybody.
/// </summary>
internal static class Roles
{
    public const string Admin = "roles/admin";
    public const string ProjectAdmin = "roles/projectAdmin";
    public const string DomainAdmin = "roles/domainAdmin";

    /// <summary>What no method asks for by itself: handling others' tokens.</summary>
    public const string ManageTokens = "identity.tokens.manage";

    static readonly string[] Member =
    [
        "compute.servers.*", "compute.consoles.*", "compute.serverGroups.*", "compute.keyPairs.*", "image.images.*",
        "network.networks.*", "network.ports.*", "network.floatingAddresses.*", "network.addressSets.*",
        "network.securityGroups.*", "dns.zones.*", "dns.recordSets.*", "lb.loadBalancers.*", "events.events.list",
        "identity.projects.get", "identity.quotas.get", "identity.quotas.list",
    ];

    static readonly string[] OfProject =
    [
        .. Member, "identity.roleBindings.*", "identity.serviceAccounts.*", ManageTokens, "identity.projects.update", "events.auditEntries.read",
        "compute.logins.list",
    ];

    static readonly Role[] Table =
    [
        Of(Admin, "Who runs the cloud: everything but what only nodes do.", RoleScope.Cloud, "identity.*", "compute.*", "image.*", "network.*", "dns.*", "lb.*", "events.*",
            "operations.*"),
        Of("roles/operator", "Who runs the machines: the fleet, and no tenants' content.", RoleScope.Cloud, "compute.flavors.*", "compute.hypervisors.*", "compute.imagePrewarms.*",
            "network.addressPools.*", "network.fabricPeers.*",
            "network.fabricBreaches.*", "lb.nodes.*", "operations.*", "events.events.list", "events.auditEntries.*", "identity.joinTokens.create", "identity.projects.get",
            "identity.quotas.get", "identity.quotas.update", "identity.certificateAuthorities.get", "identity.certificateAuthorities.list"),
        Of(DomainAdmin, "Who answers for a domain: its projects come and go as they say, and who may do what there.", RoleScope.Domain,
            [.. OfProject, "identity.projects.create", "identity.projects.delete", "identity.projects.undelete", "identity.domains.get", "identity.domains.update"]),
        Of(ProjectAdmin, "Who answers for a project: all that is in it, and who may do what there.", RoleScope.Domain | RoleScope.Project, OfProject),
        Of("roles/member", "Who works in a project: makes, changes and deletes what is in it.", RoleScope.Cloud | RoleScope.Domain | RoleScope.Project, Member),
        Of("roles/reader", "Who looks on, and changes nothing.", RoleScope.Cloud | RoleScope.Domain | RoleScope.Project, "*.get", "*.list", "*.watch", "*.download"),
        Of("roles/hypervisor", "", RoleScope.None, "agent.vms.sync", "agent.ports.sync", "agent.ports.tell", "agent.blobs.read",
            "agent.consoles.carry", "agent.snapshots.upload", "agent.hostKeys.certify", "agent.fabric.report", Renew),
        Of("roles/load-balancer", "", RoleScope.None, "agent.loadBalancers.sync", "agent.fabric.report", Renew),
        // A node whose certificate has expired.
        Of("roles/expired-node", "", RoleScope.None, Renew),
    ];

    const string Renew = "agent.certificates.renew";

    static readonly Dictionary<string, Role> ByName = Table.ToDictionary(r => r.Name, StringComparer.Ordinal);

    static readonly IReadOnlySet<string> All =
        DeclaredMethods.Permissions.Concat([ManageTokens, LoginPermissions.AsRoot]).ToHashSet(StringComparer.Ordinal);

    /// <summary>Those that can be bound.</summary>
    public static IReadOnlyList<string> Bindable { get; } =
        [.. Table.Where(r => r.Scope != RoleScope.None).Select(r => r.Name)];

    public static bool IsPermission(string text) => All.Contains(text);

    /// <summary>All that a role can be made of: what only nodes have is in none.</summary>
    public static bool IsForUsers(string permission) => IsPermission(permission) && !permission.StartsWith("agent.", StringComparison.Ordinal);

    public static PermissionSet WithinProject(PermissionSet permissions) =>
        new(All.Where(p => permissions.Contains(p) && ByName[ProjectAdmin].Permissions.Contains(p)), []);

    public static PermissionSet WithinDomain(PermissionSet permissions) =>
        new(All.Where(p => permissions.Contains(p) && ByName[DomainAdmin].Permissions.Contains(p)), []);

    public static bool IsDomain(string scope) => scope.StartsWith("domains/", StringComparison.Ordinal);

    /// <param name="scope">As a binding has it.</param>
    public static RoleScope ScopeOf(string scope) => scope.Length == 0 ? RoleScope.Cloud : IsDomain(scope) ? RoleScope.Domain : RoleScope.Project;

    /// <summary>Permissions that a role gives on a scope, in order; none where it cannot be bound.</summary>
    public static IReadOnlyList<string> On(RoleScope scope, Role role) => !role.Scope.HasFlag(scope) ? []
        : [.. All.Where((scope switch
        {
            RoleScope.Cloud => role.Permissions,
            RoleScope.Domain => role.OnDomain,
            _ => role.OnProject,
        }).Contains).Order(StringComparer.Ordinal)];

    public static Role? Find(string name) => ByName.GetValueOrDefault(name);

    /// <summary>What a role gives on a scope.</summary>
    /// <param name="scope">As a binding has it.</param>
    public static CallerGrant Grant(Role role, string scope) =>
        new(scope, role.Name, role.On(scope));

    /// <summary>Of a built-in role.</summary>
    public static CallerGrant Grant(string role, string scope) => Grant(ByName[role], scope);

    /// <summary>What a role gives on a scope and a caller does not have there.</summary>
    /// <param name="project">The project's id, a domain's name, or null for the cloud.</param>
    public static IReadOnlyList<string> Missing(Role role, Caller giver, string? project) =>
        Missing(role.On(project is null ? "" : Platform.Names.ResourceName.ScopeName(project)), giver, project);

    public static IReadOnlyList<string> Missing(PermissionSet given, Caller giver, string? project) =>
        [.. All.Where(p => given.Contains(p) && !giver.May(p, project)).Order(StringComparer.Ordinal)];

    static Role Of(string name, string @for, RoleScope scope, params string[] patterns) => new(name, @for, scope, new PermissionSet(
        patterns.Where(p => !p.Contains('*')),
        patterns.Where(p => p.EndsWith('*')).Select(p => p[..^1]),
        patterns.Where(p => p.StartsWith('*')).Select(p => p[1..])));
}
