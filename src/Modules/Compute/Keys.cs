namespace Monolith.Compute;

/// <summary>A server's resource name, <c>projects/{project}/servers/{server}</c>.</summary>
internal readonly record struct ServerName(string Value)
{
    public override string ToString() => Value;
}

/// <summary>A hypervisor's resource name, <c>hypervisors/{hypervisor}</c>.</summary>
internal readonly record struct HypervisorName(string Value)
{
    public override string ToString() => Value;
}

/// <summary>A snapshot's uid, which is its image's.</summary>
internal readonly record struct SnapshotId(Guid Value)
{
    public override string ToString() => Value.ToString();
}

/// <summary>A vm's uid.</summary>
internal readonly record struct VmId(Guid Value)
{
    public override string ToString() => Value.ToString();
}
