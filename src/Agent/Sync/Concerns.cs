using Google.Protobuf;
using Grpc.Core;
using Monolith.Agent.V1;

namespace Monolith.Agent.Sync;

/// <summary>Vms of a hypervisor.</summary>
internal sealed class VmConcern : IConcern
{
    public static VmConcern Instance { get; } = new();

    public string Name => "vms";

    public ISyncCall Open(CallInvoker invoker, Metadata headers, CancellationToken cancellation) =>
        new SyncCall<SyncVmsRequest, SyncVmsResponse>(
            new VmSyncService.VmSyncServiceClient(invoker).SyncVms(headers, cancellationToken: cancellation),
            Encode,
            Decode);

    public IMessage Parse(string key, ByteString body) => Vm.Parser.ParseFrom(body);

    public void SetDigest(IMessage status, string digest) => ((VmStatus)status).ReportDigest = digest;

    private static SyncVmsRequest Encode(Uplink message) => message switch
    {
        Uplink.Status { Body: ImageStatuses images } => new SyncVmsRequest { ImageStatuses = images },
        Uplink.Status status => new SyncVmsRequest { Status = (VmStatus)status.Body },
        _ => new SyncVmsRequest { StatusesSent = new StatusesSent() },
    };

    internal static Downlink Decode(SyncVmsResponse message) => Kind(message) with
    {
        Traceparent = message.Traceparent,
        // With the end of the snapshot, saying nothing says that none is wanted.
        Beside = message.WantedImages
            ?? (message.KindCase == SyncVmsResponse.KindOneofCase.InSync ? new WantedImages() : null),
    };

    private static Downlink Kind(SyncVmsResponse message) => message.KindCase switch
    {
        SyncVmsResponse.KindOneofCase.Upsert =>
            new Downlink.Upsert(new DesiredItem(message.Upsert.Id, message.Upsert.Generation, message.Upsert)),
        SyncVmsResponse.KindOneofCase.Remove => new Downlink.Remove(message.Remove),
        SyncVmsResponse.KindOneofCase.InSync =>
            new Downlink.InSync(message.InSync.Unchanged, message.InSync.SendStatuses),
        SyncVmsResponse.KindOneofCase.OpenSession => new Downlink.Asked(message.OpenSession),
        _ => new Downlink.Unknown(),
    };
}

/// <summary>Ports and address sets of a hypervisor: two kinds of item in one set.</summary>
internal sealed class PortConcern : IConcern
{
    public const string SetPrefix = "set:";

    public static PortConcern Instance { get; } = new();

    public string Name => "ports";

    public static string KeyOfSet(string id) => SetPrefix + id;

    public static bool IsSet(string key) => key.StartsWith(SetPrefix, StringComparison.Ordinal);

    public ISyncCall Open(CallInvoker invoker, Metadata headers, CancellationToken cancellation) =>
        new SyncCall<SyncPortsRequest, SyncPortsResponse>(
            new PortSyncService.PortSyncServiceClient(invoker)
                .SyncPorts(headers, cancellationToken: cancellation), Encode, Decode);

    public IMessage Parse(string key, ByteString body) =>
        IsSet(key) ? AddressSet.Parser.ParseFrom(body) : PortSpec.Parser.ParseFrom(body);

    public void SetDigest(IMessage status, string digest) => ((PortStatus)status).ReportDigest = digest;

    private static SyncPortsRequest Encode(Uplink message) => message switch
    {
        Uplink.Status status => new SyncPortsRequest { Status = (PortStatus)status.Body },
        _ => new SyncPortsRequest { StatusesSent = new StatusesSent() },
    };

    internal static Downlink Decode(SyncPortsResponse message) =>
        Kind(message) with { Traceparent = message.Traceparent };

    private static Downlink Kind(SyncPortsResponse message) => message.KindCase switch
    {
        SyncPortsResponse.KindOneofCase.UpsertPort => new Downlink.Upsert(
            new DesiredItem(message.UpsertPort.Id, message.UpsertPort.Generation, message.UpsertPort)),
        SyncPortsResponse.KindOneofCase.UpsertSet => new Downlink.Upsert(
            new DesiredItem(KeyOfSet(message.UpsertSet.Id), message.UpsertSet.Generation, message.UpsertSet)),
        SyncPortsResponse.KindOneofCase.RemovePort => new Downlink.Remove(message.RemovePort),
        SyncPortsResponse.KindOneofCase.RemoveSet => new Downlink.Remove(KeyOfSet(message.RemoveSet)),
        SyncPortsResponse.KindOneofCase.Look => new Downlink.Asked(message.Look),
        SyncPortsResponse.KindOneofCase.InSync =>
            new Downlink.InSync(message.InSync.Unchanged, message.InSync.SendStatuses),
        _ => new Downlink.Unknown(),
    };
}

/// <summary>Load balancers of an LB node.</summary>
internal sealed class LoadBalancerConcern : IConcern
{
    public static LoadBalancerConcern Instance { get; } = new();

    public string Name => "load-balancers";

    public ISyncCall Open(CallInvoker invoker, Metadata headers, CancellationToken cancellation) =>
        new SyncCall<SyncLoadBalancersRequest, SyncLoadBalancersResponse>(
            new LoadBalancerSyncService.LoadBalancerSyncServiceClient(invoker)
                .SyncLoadBalancers(headers, cancellationToken: cancellation),
            Encode,
            Decode);

    public IMessage Parse(string key, ByteString body) => LoadBalancerSpec.Parser.ParseFrom(body);

    public void SetDigest(IMessage status, string digest) => ((LoadBalancerStatus)status).ReportDigest = digest;

    private static SyncLoadBalancersRequest Encode(Uplink message) => message switch
    {
        Uplink.Status status => new SyncLoadBalancersRequest { Status = (LoadBalancerStatus)status.Body },
        _ => new SyncLoadBalancersRequest { StatusesSent = new StatusesSent() },
    };

    internal static Downlink Decode(SyncLoadBalancersResponse message) =>
        Kind(message) with { Traceparent = message.Traceparent };

    private static Downlink Kind(SyncLoadBalancersResponse message) => message.KindCase switch
    {
        SyncLoadBalancersResponse.KindOneofCase.Upsert =>
            new Downlink.Upsert(new DesiredItem(message.Upsert.Id, message.Upsert.Generation, message.Upsert)),
        SyncLoadBalancersResponse.KindOneofCase.Remove => new Downlink.Remove(message.Remove),
        SyncLoadBalancersResponse.KindOneofCase.InSync =>
            new Downlink.InSync(message.InSync.Unchanged, message.InSync.SendStatuses),
        _ => new Downlink.Unknown(),
    };
}
