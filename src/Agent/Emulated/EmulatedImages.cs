using Grpc.Core;
using Monolith.Agent.Images;
using Monolith.Agent.Reconcile;
using Monolith.Agent.V1;

namespace Monolith.Agent.Emulated;

/// <summary>
/// Images that take their time once. With a host to ask, each is asked for as a real agent does (blob.proto), and waited for
/// until there is a place: what it would have moved, and from whom, is counted, and no byte is.
/// </summary>
internal sealed class EmulatedImages(Dice dice, Func<CallInvoker>? connect = null) : IImages
{
    private static readonly TimeSpan AskDeadline = TimeSpan.FromSeconds(10), Patience = TimeSpan.FromMinutes(2);

    private readonly Lock gate = new();
    private readonly HashSet<string> here = new(StringComparer.Ordinal);

    public async Task<string> FetchAsync(VmImage image, IProgress<long>? progress, CancellationToken cancellation)
    {
        if (Holds(image)) return image.Sha256;
        var fromHost = await FindAsync(image, cancellation);
        await dice.WaitAsync(dice.Emulation.ImageLatency, cancellation);
        if (dice.Falls(dice.Emulation.ImageFailures))
        {
            await ReportAsync(image, complete: false, cancellation);
            throw new ImageException(
                ImageFailure.FetchFailed, "emulated failure of the image's source; it is tried again");
        }

        bool first;
        lock (gate) first = here.Add(image.Sha256);
        if (first) AgentTelemetry.Fetched(image.SizeBytes, fromHost);
        await ReportAsync(image, complete: true, cancellation);
        progress?.Report(image.SizeBytes);
        return image.Sha256;
    }

    /// <summary>Everything that was ever fetched stays.</summary>
    public void Keep(IReadOnlyList<VmImage> wanted)
    {
    }

    public bool Holds(VmImage image)
    {
        lock (gate) return here.Contains(image.Sha256);
    }

    public Task FetchAheadAsync(
        VmImage image, Func<IReadOnlySet<ImageDigest>> inUse, IProgress<long>? progress, CancellationToken cancellation) =>
        FetchAsync(image, progress, cancellation);

    /// <summary>Nothing is stored, so nothing is scarce.</summary>
    public void RemoveUnused(Func<IReadOnlySet<ImageDigest>> inUse)
    {
    }

    /// <returns>Whether it would come from the host.</returns>
    private async Task<bool> FindAsync(VmImage image, CancellationToken cancellation)
    {
        if (connect is null) return true;
        var began = dice.Now;
        while (dice.Now - began < Patience)
        {
            try
            {
                var found = await new BlobSourceService.BlobSourceServiceClient(connect()).FindBlobSourceAsync(
                    new FindBlobSourceRequest { Sha256 = image.Sha256 },
                    deadline: DateTime.UtcNow + AskDeadline, cancellationToken: cancellation);
                if (found.SourceCase != FindBlobSourceResponse.SourceOneofCase.Wait) return found.Peer is null;
                await dice.WaitAsync(found.Wait.ToTimeSpan() * (0.75 + (dice.Next() / 2)), cancellation);
            }
            catch (RpcException) when (!cancellation.IsCancellationRequested)
            {
                return true;
            }
        }

        return true;
    }

    /// <summary>Its place is free, also at the host: nobody saw it read.</summary>
    private async Task ReportAsync(VmImage image, bool complete, CancellationToken cancellation)
    {
        if (connect is null) return;
        try
        {
            await new BlobSourceService.BlobSourceServiceClient(connect()).ReportBlobReadAsync(
                new ReportBlobReadRequest { Sha256 = image.Sha256, Complete = complete },
                deadline: DateTime.UtcNow + AskDeadline, cancellationToken: cancellation);
        }
        catch (RpcException) when (!cancellation.IsCancellationRequested)
        {
            // The place is free after a while.
        }
    }
}
