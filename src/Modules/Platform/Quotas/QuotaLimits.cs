namespace Monolith.Platform.Quotas;

/// <summary>
/// How much a project may have of what is counted. Asked inside every write that adds to it, so that it answers from
/// memory and at once.
/// </summary>
public interface IQuotaLimits
{
    /// <summary>Whether anything is limited there: most writes need to look no further.</summary>
    /// <param name="project">The project's id.</param>
    bool Any(string project);

    /// <summary>Null: as much as there is.</summary>
    /// <param name="quota">As the module that counts calls it: <c>servers</c>, <c>memory_mib</c>.</param>
    long? Of(string project, string quota);
}
