using System.Text;
using Microsoft.EntityFrameworkCore;
using Monolith.Compute.Vms;
using Monolith.Platform.Faults;
using Monolith.Platform.Storage;

namespace Monolith.Compute.Servers;

/// <summary>What a server's owner tells its guest.</summary>
internal static class ServerMetadata
{
    public const int MaxEntries = 64;
    public const int MaxKey = 255;
    public const int MaxValueBytes = 1024;

    public static void Check(IDictionary<string, string> metadata, string field, Violations violations)
    {
        violations.Require(metadata.Count <= MaxEntries, field, $"must be at most {MaxEntries} entries, but has {metadata.Count}");
        foreach (var (key, value) in metadata.OrderBy(m => m.Key, StringComparer.Ordinal).Take(MaxEntries))
        {
            violations.Require(key.Length is >= 1 and <= MaxKey && key.All(IsOfKey), field,
                $"has a key \"{(key.Length > 40 ? key[..40] + "…" : key)}\" that is not 1 to {MaxKey} letters, digits, or -_.:");
            violations.Require(Encoding.UTF8.GetByteCount(value) <= MaxValueBytes && !value.Any(char.IsControl), field,
                $"has a value that is longer than {MaxValueBytes} bytes or has control characters");
        }
    }

    /// <summary>Has every vm of the server told of it.</summary>
    /// <returns>Those that are.</returns>
    public static async Task<IReadOnlyList<VmRow>> ChangeAsync(ServerRow server, IDictionary<string, string> metadata,
        Unit<ComputeDb> unit)
    {
        server.Detail = server.Detail with { Metadata = new Dictionary<string, string>(metadata, StringComparer.Ordinal) };
        var vms = await unit.Db.Vms.Where(v => v.ServerUid == server.Uid && v.Power != VmPower.Absent).ToListAsync();
        vms.ForEach(vm => vm.TellMetadata(metadata));
        return vms;
    }

    static bool IsOfKey(char c) => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or ':';
}
