using System.Globalization;
using Grpc.Core;
using Monolith.Platform.Faults;

namespace Monolith.Platform.Quotas;

/// <summary>A quota that a write would exceed. Immutable.</summary>
/// <param name="Project">The project's id.</param>
/// <param name="Usage">Without what is asked for.</param>
/// <param name="Asked">What the write would add.</param>
public sealed record ExceededQuota(string Project, string Quota, long Limit, long Usage, long Asked)
{
    /// <summary>All of them at once: who asked for too much of three things is told of three.</summary>
    /// <param name="exceeded">At least one.</param>
    public static Fault Fault(IReadOnlyList<ExceededQuota> exceeded)
    {
        string All(Func<ExceededQuota, long> number) =>
            string.Join(',', exceeded.Select(e => number(e).ToString(CultureInfo.InvariantCulture)));

        var project = exceeded[0].Project;
        return new Fault(StatusCode.ResourceExhausted, Reason,
            $"The quota of projects/{project} is exceeded: {string.Join("; ", exceeded.Select(e => e.Words))}. Delete what is "
            + $"not needed (`monolith quota explain {exceeded[0].Quota}` lists what counts), or ask the operators for more "
            + "(`monolith quota show` has every limit).")
        {
            Metadata = new Dictionary<string, string>
            {
                ["project"] = "projects/" + project,
                ["quota"] = string.Join(',', exceeded.Select(e => e.Quota)),
                ["limit"] = All(e => e.Limit),
                ["usage"] = All(e => e.Usage),
                ["asked"] = All(e => e.Asked),
            },
            Quotas = [.. exceeded.Select(e =>
                new QuotaViolation($"projects/{e.Project}/quota", e.Quota, e.Limit, e.Words))],
        };
    }

    public const string Reason = "QUOTA_EXCEEDED";

    string Words => string.Create(CultureInfo.InvariantCulture, $"{Quota}: {Usage} of {Limit} in use, {Asked} more asked for");
}
