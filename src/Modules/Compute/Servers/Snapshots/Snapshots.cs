using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Monolith.Platform.Events;
using Monolith.Platform.Reconciling;

namespace Monolith.Compute.Servers.Snapshots;

/// <summary>The parts of snapshots, and the loop that drives them.</summary>
internal static class Snapshots
{
    public static void AddSnapshots(this IServiceCollection services)
    {
        services.AddSingleton<SnapshotReconciler>();
        services.AddSingleton<Snapshotting>();
        services.AddSingleton<IEventListener, ImageListener>();
        services.AddSingleton(Loop);
        services.AddSingleton<IHostedService>(s => s.GetRequiredService<Reconciler<SnapshotId>>());
    }

    static Reconciler<SnapshotId> Loop(IServiceProvider services) => new("compute/snapshots",
        (snapshot, cancel) => services.GetRequiredService<SnapshotReconciler>().ReconcileAsync(snapshot.Value, cancel),
        cancel => services.GetRequiredService<SnapshotReconciler>().UnsettledAsync(cancel),
        services.GetRequiredService<TimeProvider>(), services.GetRequiredService<ILogger<SnapshotReconciler>>(), workers: 2);

    /// <summary>An image of a server's disk was deleted: whoever makes it stops.</summary>
    sealed class ImageListener(Reconciler<SnapshotId> snapshots) : IEventListener
    {
        public void OnEvent(EventEnvelope e)
        {
            if (!e.Is("image.image.deleted")) return;
            var image = Image.V1.Image.Parser.ParseFrom(e.Data);
            if (image.SourceServer.Length > 0 && Guid.TryParse(image.Uid, out var uid)) snapshots.Wake(new(uid));
        }
    }
}
