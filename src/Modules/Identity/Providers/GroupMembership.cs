using Microsoft.EntityFrameworkCore;
using Monolith.Identity.Groups;
using Monolith.Identity.Users;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Providers;

/// <summary>Puts who signs in into the groups that the provider vouches for.</summary>
internal static class GroupMembership
{
    /// <summary>Of the groups that the provider's settings name, the user is in exactly these afterwards, as far as there are such and
    /// they have room. Others are none of the provider's business.</summary>
    /// <param name="groups"><c>groups/{group}</c></param>
    public static async Task ApplyAsync(Unit<IdentityDb> unit, UserRow user, ProviderRow provider, IReadOnlySet<string> groups)
    {
        var named = provider.GroupMap.Values.Distinct().ToList();
        foreach (var group in await unit.Db.Groups.Where(g => named.Contains(g.Name)).ToListAsync())
        {
            var members = group.MemberList;
            var (isIn, shallBe) = (members.Contains(user.Name), groups.Contains(group.Name));
            if (isIn == shallBe || shallBe && members.Count >= GroupRules.Most) continue;
            group.Members = GroupRow.Store(shallBe ? members.Append(user.Name) : members.Where(m => m != user.Name));
            group.Touch("", unit.Now);
            GroupService.Emit(unit, Change.Updated, group);
        }
    }

    /// <summary>What a provider said of them no longer holds.</summary>
    public static async Task LeaveAsync(Unit<IdentityDb> unit, IReadOnlyCollection<string> users, IReadOnlyCollection<string> groups)
    {
        foreach (var group in await unit.Db.Groups.Where(g => groups.Contains(g.Name)).ToListAsync())
        {
            var left = GroupRow.Store(group.MemberList.Except(users));
            if (left == group.Members) continue;
            group.Members = left;
            group.Touch("", unit.Now);
            GroupService.Emit(unit, Change.Updated, group);
        }
    }
}
