using System.Globalization;
using Grpc.Core;
using Monolith.Identity.Contracts;
using Monolith.Identity.V1;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;

namespace Monolith.Identity.Projects;

internal static class ProjectRules
{
    /// <summary>Made at the first start; owns what the cloud itself keeps in a project.</summary>
    public const string System = "system";

    static readonly TimeSpan LongestWait = TimeSpan.FromDays(90);
    static readonly string[] Changeable = ["display_name", "labels", "domain"];

    public static void Check(CreateProjectRequest request)
    {
        var violations = new Violations();
        violations.Id("project_id", request.ProjectId);
        if (request.Project is { } project) CheckWords(project, violations);
        violations.ThrowIfAny();
    }

    /// <returns>The fields to change.</returns>
    public static IReadOnlySet<string> Check(UpdateProjectRequest request)
    {
        var violations = new Violations();
        if (!violations.Require(request.Project is not null, "project", "is required")) violations.ThrowIfAny();
        ResourceName.Parse("projects/*", request.Project!.Name, "project.name", violations);
        var changed = Masks.Changed(request.UpdateMask, request.Project, Changeable, violations);
        CheckWords(request.Project, violations);
        violations.ThrowIfAny();
        return changed;
    }

    public static void Check(DeleteProjectRequest request)
    {
        var violations = new Violations();
        ResourceName.Parse("projects/*", request.Name, "name", violations);
        if (request.Wait is { } wait)
        {
            violations.Require(request.Force, "wait", "is for deletions with force; an empty project goes at once");
            violations.Require(wait is { Seconds: >= 0, Nanos: >= 0 and <= 999_999_999 } && wait.Seconds <= LongestWait.TotalSeconds, "wait",
                $"must be 0 to {LongestWait.TotalDays} days");
        }
        violations.ThrowIfAny();
    }

    /// <exception cref="Fault">FAILED_PRECONDITION for the project that nobody may delete.</exception>
    public static void RefuseBuiltIn(string name)
    {
        if (name == "projects/" + System)
            throw Fault.Precondition("PROJECT_IS_BUILT_IN", name, $"{name} belongs to the cloud itself and stays.");
    }

    /// <summary>Nothing can be made in a project that goes.</summary>
    public static Fault Deleting(string name) => Fault.Precondition("PROJECT_DELETING", name,
        $"{name} is being deleted, and nothing can be made in it. Until its purge time it can be had back: "
            + $"`monolith project undelete {name["projects/".Length..]}`.");

    /// <exception cref="Fault">FAILED_PRECONDITION that says why it cannot be brought back.</exception>
    public static void CheckUndelete(ProjectRow row, DateTime now)
    {
        if (row.PurgeTime is not { } purge)
            throw Fault.Precondition("PROJECT_NOT_DELETED", row.Name, $"{row.Name} was not deleted.");
        if (row.Purging || purge <= now)
            throw Fault.Precondition("PROJECT_PURGING", row.Name,
                $"The purge time of {row.Name} has passed, and what it owns is being removed. Create a new project when it is gone.");
    }

    /// <exception cref="Fault">FAILED_PRECONDITION that says what the project owns.</exception>
    public static void CheckEmpty(string name, IReadOnlyList<ProjectContent> contents)
    {
        RefuseBuiltIn(name);
        if (contents.Count == 0) return;
        throw new Fault(StatusCode.FailedPrecondition, "PROJECT_NOT_EMPTY",
            $"{name} still owns {string.Join(", ", contents.Select(c => $"{c.Kind}: {c.Count}"))}. Delete them, and then "
                + "the project, or delete it with force and all that it owns. What is being deleted counts until it is gone.")
        {
            Metadata = contents.Select(c => KeyValuePair.Create(c.Kind, c.Count.ToString(CultureInfo.InvariantCulture)))
                .Append(new("resource", name)).ToDictionary(StringComparer.Ordinal),
            Preconditions = [.. contents.Select(c => new PreconditionViolation("PROJECT_NOT_EMPTY", $"{name}/{c.Kind}",
                $"{c.Count} of {c.Kind} are in the project: {Some(c)}. Delete them first."))],
        };
    }

    static string Some(ProjectContent content) => string.Join(", ", content.Some)
        + (content.Count > content.Some.Count ? $" and {content.Count - content.Some.Count} more" : "");

    static void CheckWords(Project project, Violations violations)
    {
        violations.DisplayName("project.display_name", project.DisplayName);
        violations.Labels("project.labels", project.Labels);
        if (project.Domain.Length > 0) ResourceName.Parse("domains/*", project.Domain, "project.domain", violations);
    }
}
