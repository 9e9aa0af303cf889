using Monolith.Platform.Faults;

namespace Monolith.Platform.Storage;

/// <summary>
/// Whether resources may be made in a project. Asked inside every write that makes one, so that it answers from memory
/// and at once. A project that is closed before a write begins gets nothing from it.
/// </summary>
public interface IOpenProjects
{
    /// <summary>Why nothing may be made in it; null: it is open.</summary>
    /// <param name="project">The project's id.</param>
    Fault? RefusalOf(string project);
}
