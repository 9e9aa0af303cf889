using Monolith.Identity.Users;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Providers;

/// <summary>Puts who signs in into the groups that the provider vouches for.</summary>
internal static class GroupMembership
{
    /// <summary>Of the groups that the provider's settings name, the user is in exactly these afterwards. Others are none of the
    /// provider's business.</summary>
    /// <param name="groups"><c>groups/{group}</c></param>
    public static Task ApplyAsync(Unit<IdentityDb> unit, UserRow user, ProviderRow provider, IReadOnlySet<string> groups) =>
        Task.CompletedTask;
}
