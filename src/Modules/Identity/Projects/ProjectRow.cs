using Google.Protobuf.WellKnownTypes;
using Monolith.Platform.Calls;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Projects;

/// <summary>A project. Its <c>Project</c> is its own id.</summary>
internal sealed class ProjectRow : ResourceRow
{
    /// <summary><c>domains/{domain}</c>; empty: it is in none.</summary>
    public string Domain { get; set; } = "";

    const string Deletion = "/monolith.identity.v1.ProjectService/DeleteProject";

    /// <summary>When it was deleted with all that it owns; UTC; null: it was not.</summary>
    public DateTime? DeleteTime { get; set; }

    /// <summary>From when on what it owns is removed; UTC; null: it was not deleted.</summary>
    public DateTime? PurgeTime { get; set; }

    /// <summary>That has begun, and is never taken back.</summary>
    public bool Purging { get; set; }

    /// <summary><c>users/{user}</c>; empty: it was not deleted.</summary>
    public string DeletedBy { get; set; } = "";

    /// <summary>What that caller showed.</summary>
    public string DeletedWith { get; set; } = "";

    /// <summary>The address that it called from.</summary>
    public string DeletedFrom { get; set; } = "";

    /// <summary>A <see cref="V1.Project"/> with nothing but conditions and remainders.</summary>
    public byte[] Report { get; set; } = [];

    /// <summary>What is done because it was deleted is its deletion's: by whom, with what, from where.</summary>
    public Call DeletionCall() => new(new Caller(DeletedBy, []), "", Deletion, "")
    {
        Origin = new CallOrigin(DeletedFrom, DeletedWith),
    };

    public V1.Project ToProto()
    {
        var project = V1.Project.Parser.ParseFrom(Report);
        project.Name = Name;
        project.Uid = Uid.ToString();
        project.Etag = Etag;
        project.DisplayName = DisplayName;
        project.Domain = Domain;
        project.State = DeleteTime is null ? V1.Project.Types.State.Active
            : Purging ? V1.Project.Types.State.Purging
            : V1.Project.Types.State.Deleting;
        project.DeleteTime = DeleteTime?.ToTimestamp();
        project.PurgeTime = PurgeTime?.ToTimestamp();
        project.DeletedBy = DeletedBy;
        project.CreateTime = CreateTime.ToTimestamp();
        project.UpdateTime = UpdateTime.ToTimestamp();
        Platform.Names.Labels.Load(Labels, project.Labels);
        return project;
    }
}
