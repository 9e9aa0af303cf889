using Microsoft.EntityFrameworkCore;
using Monolith.Agent.V1;
using Monolith.Platform.Storage;

namespace Monolith.Compute.Prewarms;

/// <summary>Which images a hypervisor is to have ready.</summary>
internal static class PrewarmQueries
{
    /// <summary>A hypervisor as a prewarm chooses it.</summary>
    /// <param name="Name">Full.</param>
    public sealed record Choice(string Name, bool Up, string Zone, string Labels, string Capabilities)
    {
        public string Id => Name["hypervisors/".Length..];
    }

    // The oldest wish first: it is the last that a full cache gives up.
    public static readonly Func<ComputeDb, Task<List<ImagePrewarmRow>>> All =
        Query.Many((ComputeDb db) => db.ImagePrewarms.OrderBy(p => p.CreateTime).ThenBy(p => p.Name));

    /// <summary>Whether there is anything to look at.</summary>
    public static async Task<bool> AnyAsync(ComputeDb db) => await db.ImagePrewarms.AnyAsync() || await db.ImageReports.AnyAsync();

    public static readonly Func<ComputeDb, Task<List<Choice>>> Choices = Query.Many((ComputeDb db) => db.Hypervisors
        .OrderBy(h => h.Name).Select(h => new Choice(h.Name, h.Up, h.AvailabilityZone, h.Labels, h.Capabilities)));

    static readonly Func<ComputeDb, string, Task<List<Choice>>> ChoiceOf = Query.Many((ComputeDb db, string name) =>
        db.Hypervisors.Where(h => h.Name == name)
            .Select(h => new Choice(h.Name, h.Up, h.AvailabilityZone, h.Labels, h.Capabilities)));

    static readonly Func<ComputeDb, string, Task<List<ImagePrewarmRow>>> OfBlob = Query.Many((ComputeDb db, string sha256) =>
        db.ImagePrewarms.Where(p => p.Sha256 == sha256));

    public static readonly Func<ComputeDb, string, Task<List<ImageReportRow>>> ReportsOf =
        Query.Many((ComputeDb db, string node) => db.ImageReports.Where(r => r.Hypervisor == node));

    public static readonly Func<ComputeDb, string, Task<List<string>>> Holders = Query.Many((ComputeDb db, string sha256) =>
        db.ImageReports.Where(r => r.Sha256 == sha256 && r.State == ImageStatus.Types.State.Holding)
            .Select(r => r.Hypervisor));

    /// <summary>All that a hypervisor is to have.</summary>
    public static async Task<IReadOnlyList<Wanted>> OfNodeAsync(ComputeDb db, string node)
    {
        // Nearly always there is none, and a fleet that comes back asks for nothing more.
        var all = await All(db);
        return all.Count == 0 || await ChoiceOf(db, "hypervisors/" + node) is not [var hypervisor] ? [] : Of(all, hypervisor);
    }

    /// <summary>Whether a hypervisor is to have a blob.</summary>
    public static async Task<bool> IsWantedAsync(ComputeDb db, string node, string sha256)
    {
        if (sha256.Length == 0 || await OfBlob(db, sha256) is not { Count: > 0 } rows) return false;
        return await ChoiceOf(db, "hypervisors/" + node) is [var hypervisor] && rows.Exists(p => p.Matches(hypervisor.Zone, hypervisor.Labels));
    }

    public static WantedImages ToWire(this IReadOnlyList<Wanted> images) => new()
    {
        Images = { images.Select(i => new WantedImage { Sha256 = i.Sha256, SizeBytes = i.SizeBytes, Format = i.Format }) },
    };

    /// <summary>Each image once, in the order of the wishes.</summary>
    public static IReadOnlyList<Wanted> Of(IEnumerable<ImagePrewarmRow> all, Choice hypervisor) =>
    [
        .. all.Where(p => p.Sha256.Length > 0 && p.Matches(hypervisor.Zone, hypervisor.Labels))
            .Select(p => p.Wanted).DistinctBy(w => w.Sha256),
    ];
}
