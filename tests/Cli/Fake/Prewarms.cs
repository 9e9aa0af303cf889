using System.Collections.Concurrent;
using Grpc.Core;
using Monolith.Api.V1;
using Monolith.Compute.V1;

namespace Monolith.Cli.Tests.Fake;

/// <summary>Takes prewarms, and shows what a test says of them.</summary>
internal sealed class Prewarms : ImagePrewarmService.ImagePrewarmServiceBase
{
    public ConcurrentQueue<CreateImagePrewarmRequest> Created { get; } = new();

    /// <summary>What a watch sends, one after the other; then silence.</summary>
    public List<ImagePrewarm> Seen { get; } = [];

    public override Task<ImagePrewarm> CreateImagePrewarm(CreateImagePrewarmRequest request, ServerCallContext context)
    {
        Created.Enqueue(request);
        var made = request.ImagePrewarm.Clone();
        (made.Name, made.State) = ("imagePrewarms/" + request.ImagePrewarmId, ImagePrewarm.Types.State.Warming);
        return Task.FromResult(made);
    }

    public override Task<ListImagePrewarmsResponse> ListImagePrewarms(ListImagePrewarmsRequest request, ServerCallContext context) =>
        Task.FromResult(new ListImagePrewarmsResponse { ImagePrewarms = { Seen } });

    public override async Task WatchImagePrewarms(WatchImagePrewarmsRequest request,
        IServerStreamWriter<WatchImagePrewarmsResponse> stream, ServerCallContext context)
    {
        foreach (var prewarm in Seen)
            await stream.WriteAsync(new WatchImagePrewarmsResponse { Change = ChangeType.Modified, ImagePrewarm = prewarm });
        await Silence.Async(context);
    }
}
