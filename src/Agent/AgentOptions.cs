using Grpc.Core;
using Monolith.Agent.Consoles;
using Monolith.Agent.Emulated;
using Monolith.Agent.Ledger;
using Monolith.Agent.Native.Safe;
using Monolith.Agent.Network;
using Monolith.Agent.Network.Metadata;
using Monolith.Agent.Network.Probe;
using Monolith.Agent.Reconcile;
using Monolith.Agent.Sync;
using Monolith.Agent.V1;
using Monolith.Agent.Vms;

namespace Monolith.Agent;

/// <summary>How one agent runs. Immutable.</summary>
public sealed record AgentOptions
{
    /// <summary>The node's name, for logs.</summary>
    public required string Node { get; init; }

    /// <summary>What the machine has; sent with every hello of the vm stream.</summary>
    public Inventory Inventory { get; init; } = new();

    /// <summary>Where the desired sets are kept. Null: in memory, as emulated nodes do.</summary>
    public string? StateDirectory { get; init; }

    public string Version { get; init; } = ThisVersion;

    public SyncOptions Sync { get; init; } = new();

    public VmPolicy Policy { get; init; } = new();

    /// <summary>As the data plane's.</summary>
    public string TapPrefix { get; init; } = DataPlaneOptions.DefaultTapPrefix;

    /// <summary>User that QEMU runs as and that may open taps.</summary>
    public uint TapUid { get; init; }

    public uint TapGid { get; init; }

    /// <summary>Where guests from other hypervisors may be sent to; null or empty while there is no such address.</summary>
    public Func<string?> ListenAddress { get; init; } = () => "127.0.0.1";

    /// <summary>Where images are given to other hypervisors, <c>ip:port</c>; null: nowhere, or not now.</summary>
    public Func<string?> BlobAddress { get; init; } = () => null;

    /// <summary>For the length of pauses.</summary>
    public Random Dice { get; init; } = Random.Shared;

    /// <summary>Of the machine's present boot: another one tells that all VMs ended with the machine.</summary>
    public string BootId { get; init; } = "";

    /// <summary>Of this build.</summary>
    public static string ThisVersion { get; } =
        typeof(AgentOptions).Assembly.GetName().Version?.ToString(3) ?? "0.0.0";

    /// <summary>
    /// Opens a ledger by its name where there is no <see cref="StateDirectory"/>: on a disk in memory, where the next
    /// agent with these options, or a copy of them, finds what this one was told.
    /// </summary>
    internal Func<string, ILedger> InMemory { get; init; } = new EmulatedDisk().Open;

    internal ILedger OpenLedger(string name) =>
        StateDirectory is null ? InMemory(name) : FileLedger.Open(Path.Combine(StateDirectory, name + ".ledger"));
}

/// <summary>Drivers of a hypervisor.</summary>
public sealed record HypervisorDrivers(
    IVmDriver Vms, IDataPlane DataPlane, IGuestProbe Probe, IRoutes Routes, IImages Images)
{
    /// <summary>
    /// Where the data plane asks for metadata; the agent sets it. Null for a data plane that does not ask.
    /// </summary>
    public MetadataRelay? Metadata { get; init; }

    /// <summary>Consoles of the VMs.</summary>
    public IVmConsoles? Consoles { get; init; } = Vms as IVmConsoles;
}

/// <summary>Metadata for a data plane that is made before those who know.</summary>
public sealed class MetadataRelay : IMetadataSource
{
    private volatile IMetadataSource? source;
    private volatile Func<CallInvoker>? connect;
    private volatile Told? told;

    private sealed record Told(IReadOnlyList<string> Authorities, long Revision);

    public MetadataDocument? Find(string portId) => source?.Find(portId) is not { } document ? null
        : document.Login is { } login && told is { } later && later.Revision > login.Revision
            ? document with { Login = login with { Authorities = later.Authorities, Revision = later.Revision } }
        : document;

    public async Task<IReadOnlyList<string>> CertifyAsync(
        string instanceId, IReadOnlyList<string> keys, CancellationToken cancellation)
    {
        if (connect is not { } open)
            throw new RpcException(new Status(StatusCode.Unavailable, "there is no way to the host"));
        var request = new CertifyHostKeysRequest { InstanceId = instanceId, PublicKeys = { keys } };
        var answer = await new HostKeyService.HostKeyServiceClient(open())
            .CertifyHostKeysAsync(request, cancellationToken: cancellation);
        // What a server was told when it was made may be of before an authority took another's place.
        if (answer.UserAuthorities.Count > 0 && answer.UserAuthoritiesRevision >= (told?.Revision ?? 0))
            told = new Told([.. answer.UserAuthorities], answer.UserAuthoritiesRevision);
        return [.. answer.Certificates];
    }

    /// <param name="connect">To the host, who certifies.</param>
    internal void Use(IMetadataSource? source, Func<CallInvoker>? connect = null) => (this.source, this.connect) = (source, connect);
}
