using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Monolith.Identity.V1;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Quotas;

/// <summary>Limits that somebody set. A project without a row has the default's.</summary>
internal sealed class QuotaRow : ResourceRow
{
    public const string Default = "quotas/default";

    /// <summary>Stands in a limit for as much as there is.</summary>
    public const long Unlimited = -1;

    /// <summary>Lines of a quota and its limit, in the order of quotas.</summary>
    public string Limits { get; set; } = "";

    public static string NameOf(string project) => $"projects/{project}/quota";

    public static string Store(IEnumerable<KeyValuePair<string, long>> limits) => string.Concat(limits
        .OrderBy(l => l.Key, StringComparer.Ordinal)
        .Select(l => string.Create(CultureInfo.InvariantCulture, $"{l.Key}={l.Value}\n")));

    public Dictionary<string, long> Load() => Limits.Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Select(line => line.Split('='))
        .ToDictionary(l => l[0], l => long.Parse(l[1], CultureInfo.InvariantCulture), StringComparer.Ordinal);

    /// <summary>Without usage, which is no part of the row.</summary>
    public Quota ToProto() => new()
    {
        Name = Name,
        Etag = Etag,
        Limits = { Load() },
        UpdateTime = UpdateTime.ToTimestamp(),
    };
}
