using Microsoft.EntityFrameworkCore;
using Monolith.Identity.Groups;
using Monolith.Platform.Calls;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Access;

/// <summary>Who calls, and so who can be a member of groups: users and service accounts. Roles are bound to groups as well.</summary>
internal static class Members
{
    public const string Users = "users/*", ServiceAccounts = "projects/*/serviceAccounts/*", Groups = "groups/*";

    public static bool IsOne(string name) => !name.Contains(' ', StringComparison.Ordinal)
        && (ResourceName.Match(Users, name) is not null || ResourceName.Match(ServiceAccounts, name) is not null);

    public static bool IsGroup(string name) => name.StartsWith("groups/", StringComparison.Ordinal);

    public static string Expected(string name) => $"'{(name.Length > 100 ? name[..100] + "…" : name)}' is nobody who calls: write {Users} or {ServiceAccounts}";

    /// <summary>Whether the caller may be told who of a project calls: a service account is a thing of its project.</summary>
    public static bool MayBeKnownTo(Caller caller, string member) =>
        ResourceName.ProjectOf(member) is not { } project || caller.Knows(project);

    /// <summary>Which of them there are not, of what the caller may know.</summary>
    public static async Task<IReadOnlyList<string>> AbsentAsync(IdentityDb db, Caller caller, IReadOnlyCollection<string> members)
    {
        var known = members.Where(m => MayBeKnownTo(caller, m)).ToList();
        var there = await db.Users.Where(u => known.Contains(u.Name)).Select(u => u.Name)
            .Concat(db.ServiceAccounts.Where(s => known.Contains(s.Name)).Select(s => s.Name)).ToListAsync();
        return [.. members.Except(there)];
    }

    /// <summary>Whoever could show that they are it can do so no longer.</summary>
    public static async Task SignOutAsync(Unit<IdentityDb> unit, string member)
    {
        foreach (var token in (await unit.Db.Tokens.Where(t => t.User == member).ToListAsync()).Where(t => unit.Db.Entry(t).State != EntityState.Deleted))
        {
            unit.Db.Tokens.Remove(token);
            Tokens.TokenService.Emit(unit, Change.Deleted, token);
        }
    }

    /// <summary>Who goes leaves nothing behind by which it could do something: tokens, bindings, places in groups.</summary>
    public static async Task ForgetAsync(Unit<IdentityDb> unit, string member)
    {
        await UnbindAsync(unit, member);
        await SignOutAsync(unit, member);
        var sought = GroupRow.Sought(member);
        foreach (var group in await unit.Db.Groups.Where(g => g.Members.Contains(sought)).ToListAsync())
        {
            group.Members = GroupRow.Store(group.MemberList.Where(m => m != member));
            group.Touch("", unit.Now);
            GroupService.Emit(unit, Change.Updated, group);
        }
    }

    public static async Task UnbindAsync(Unit<IdentityDb> unit, string member)
    {
        foreach (var binding in await unit.Db.RoleBindings.Where(b => b.Member == member).ToListAsync())
        {
            unit.Db.RoleBindings.Remove(binding);
            RoleBindings.RoleBindingService.Emit(unit, Change.Deleted, binding);
        }
    }
}
