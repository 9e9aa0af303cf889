using Google.Protobuf.WellKnownTypes;
using Monolith.Identity.V1;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Projects;

/// <summary>A project. Its <c>Project</c> is its own id.</summary>
internal sealed class ProjectRow : ResourceRow
{
    public Project ToProto()
    {
        var project = new Project
        {
            Name = Name,
            Uid = Uid.ToString(),
            Etag = Etag,
            DisplayName = DisplayName,
            CreateTime = CreateTime.ToTimestamp(),
            UpdateTime = UpdateTime.ToTimestamp(),
        };
        Platform.Names.Labels.Load(Labels, project.Labels);
        return project;
    }
}
