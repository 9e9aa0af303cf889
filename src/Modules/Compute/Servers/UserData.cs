using Monolith.Platform.Secrets;

namespace Monolith.Compute.Servers;

/// <summary>What a user gives a guest to begin with often holds passwords: it lies sealed, in rows and in plans of vms.</summary>
internal static class UserData
{
    const string Purpose = "compute.user_data";

    public static byte[] SealUserData(this ISecrets? secrets, ReadOnlySpan<byte> data) => (secrets ?? NoSecrets.Instance).Seal(Purpose, data);

    public static byte[] OpenUserData(this ISecrets? secrets, ReadOnlySpan<byte> data) => (secrets ?? NoSecrets.Instance).Open(Purpose, data);
}
