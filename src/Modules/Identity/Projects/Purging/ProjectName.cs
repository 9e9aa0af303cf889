namespace Monolith.Identity.Projects.Purging;

/// <summary><c>projects/{project}</c></summary>
internal readonly record struct ProjectName(string Value)
{
    public override string ToString() => Value;
}
