using Google.Protobuf.Reflection;

namespace Monolith.Protos;

/// <summary>
/// Makes descriptors one after the other. Google.Protobuf 3.36 fills a cache without a lock when a file's first message
/// is met (protobuf issue 29696): two threads that meet two files at once break it, and every later use of those files
/// fails until the process ends. Each program, and each library that has threads, calls this from its module
/// initializer. Costs some milliseconds, once. May be repeated.
/// </summary>
public static class Descriptors
{
    static readonly Lock Gate = new();

    /// <summary>What an agent speaks; separate, so that nothing else is linked into it.</summary>
    public static void MakeAgents() => Make(() =>
    [
        Agent.V1.VmReflection.Descriptor, Agent.V1.PortReflection.Descriptor, Agent.V1.LoadBalancerReflection.Descriptor,
        Agent.V1.NodeReflection.Descriptor, Agent.V1.SyncReflection.Descriptor, Agent.V1.BlobReflection.Descriptor,
        Agent.V1.SnapshotReflection.Descriptor, Agent.V1.ConsoleReflection.Descriptor, Agent.V1.PrewarmReflection.Descriptor,
        Agent.V1.FabricReflection.Descriptor, Agent.V1.HostKeyReflection.Descriptor,
        Google.Rpc.StatusReflection.Descriptor, Google.Rpc.ErrorDetailsReflection.Descriptor,
    ]);

    /// <summary>All of them. A test fails when a file is not among them.</summary>
    public static IReadOnlyList<FileDescriptor> MakeAll() => Make(() =>
    [
        Api.V1.AccessReflection.Descriptor, Api.V1.ConditionReflection.Descriptor, Api.V1.WatchReflection.Descriptor,
        Agent.V1.VmReflection.Descriptor, Agent.V1.PortReflection.Descriptor, Agent.V1.LoadBalancerReflection.Descriptor,
        Agent.V1.NodeReflection.Descriptor, Agent.V1.SyncReflection.Descriptor, Agent.V1.BlobReflection.Descriptor,
        Agent.V1.SnapshotReflection.Descriptor, Agent.V1.ConsoleReflection.Descriptor, Agent.V1.PrewarmReflection.Descriptor,
        Agent.V1.FabricReflection.Descriptor, Agent.V1.HostKeyReflection.Descriptor,
        Compute.V1.AvailabilityZoneReflection.Descriptor,
        Compute.V1.FlavorReflection.Descriptor, Compute.V1.HypervisorReflection.Descriptor,
        Compute.V1.ImagePrewarmReflection.Descriptor,
        Compute.V1.KeyPairReflection.Descriptor, Compute.V1.ServerGroupReflection.Descriptor,
        Compute.V1.ServerReflection.Descriptor, Compute.V1.ServerSnapshotReflection.Descriptor,
        Compute.V1.ServerRescueReflection.Descriptor, Compute.V1.ServerPortReflection.Descriptor,
        Compute.V1.ConsoleReflection.Descriptor, Compute.V1.LoginReflection.Descriptor,
        Dns.V1.RecordSetReflection.Descriptor, Dns.V1.ZoneReflection.Descriptor,
        Events.V1.AuditReflection.Descriptor, Events.V1.EventReflection.Descriptor,
        Identity.V1.CertificateAuthorityReflection.Descriptor, Identity.V1.DomainReflection.Descriptor, Identity.V1.GroupReflection.Descriptor, Identity.V1.IdentityProviderReflection.Descriptor,
        Identity.V1.NodeReflection.Descriptor, Identity.V1.ProjectReflection.Descriptor,
        Identity.V1.QuotaReflection.Descriptor, Identity.V1.ServiceAccountReflection.Descriptor,
        Identity.V1.RoleReflection.Descriptor, Identity.V1.RoleBindingReflection.Descriptor, Identity.V1.TokenReflection.Descriptor,
        Identity.V1.SessionReflection.Descriptor, Identity.V1.UserReflection.Descriptor,
        Image.V1.ImageReflection.Descriptor, Image.V1.ImportReflection.Descriptor,
        Lb.V1.LoadBalancerReflection.Descriptor, Lb.V1.NodeReflection.Descriptor,
        Network.V1.AddressReflection.Descriptor, Network.V1.AddressPoolReflection.Descriptor,
        Network.V1.AddressSetReflection.Descriptor, Network.V1.FloatingAddressReflection.Descriptor,
        Network.V1.FabricBreachReflection.Descriptor, Network.V1.FabricPeerReflection.Descriptor,
        Network.V1.NetworkReflection.Descriptor,
        Network.V1.PortReflection.Descriptor, Network.V1.ReachabilityReflection.Descriptor,
        Network.V1.ReservationReflection.Descriptor, Network.V1.SecurityGroupReflection.Descriptor,
        Google.Rpc.StatusReflection.Descriptor, Google.Rpc.ErrorDetailsReflection.Descriptor,
    ]);

    static IReadOnlyList<FileDescriptor> Make(Func<IReadOnlyList<FileDescriptor>> files)
    {
        lock (Gate) return files();
    }
}
