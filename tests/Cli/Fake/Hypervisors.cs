using System.Collections.Concurrent;
using Google.Protobuf;
using Grpc.Core;
using Monolith.Api.V1;
using Monolith.Compute.V1;

namespace Monolith.Cli.Tests.Fake;

/// <summary>Takes what is asked of a hypervisor, and shows what a test says of it.</summary>
internal sealed class Hypervisors : HypervisorService.HypervisorServiceBase
{
    public ConcurrentQueue<IMessage> Requests { get; } = new();

    /// <summary>What a watch sends, one after the other; then silence.</summary>
    public List<Hypervisor> Seen { get; } = [];

    public override Task<Hypervisor> UpdateHypervisor(UpdateHypervisorRequest request, ServerCallContext context) =>
        Take(request, request.Hypervisor.Name);

    public override Task<Hypervisor> EvacuateHypervisor(EvacuateHypervisorRequest request, ServerCallContext context) =>
        Take(request, request.Name);

    public override Task<Hypervisor> AbortEvacuation(AbortEvacuationRequest request, ServerCallContext context) =>
        Take(request, request.Name);

    public override async Task WatchHypervisors(WatchHypervisorsRequest request,
        IServerStreamWriter<WatchHypervisorsResponse> stream, ServerCallContext context)
    {
        foreach (var hypervisor in Seen)
            await stream.WriteAsync(new WatchHypervisorsResponse { Change = ChangeType.Modified, Hypervisor = hypervisor });
        await Silence.Async(context);
    }

    Task<Hypervisor> Take(IMessage request, string name)
    {
        Requests.Enqueue(request);
        return Task.FromResult(new Hypervisor { Name = name });
    }
}
