using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Monolith.Platform.Events;
using Monolith.Platform.Reconciling;

namespace Monolith.Compute.Prewarms;

/// <summary>The one key of the loop: all prewarms are looked at together.</summary>
internal readonly record struct PrewarmLook
{
    public override string ToString() => "all";
}

/// <summary>The parts of prewarms, and the loop that drives them.</summary>
internal static class Prewarms
{
    public static void AddPrewarms(this IServiceCollection services)
    {
        services.AddSingleton<Warmer>();
        services.AddSingleton<IEventListener, Listener>();
        services.AddSingleton(Loop);
        services.AddSingleton<IHostedService>(s => s.GetRequiredService<Reconciler<PrewarmLook>>());
    }

    static Reconciler<PrewarmLook> Loop(IServiceProvider services) => new("compute/prewarms",
        (_, cancel) => services.GetRequiredService<Warmer>().ReconcileAsync(cancel),
        async _ => await services.GetRequiredService<Warmer>().IsNeededAsync() ? [default(PrewarmLook)] : [],
        services.GetRequiredService<TimeProvider>(), services.GetRequiredService<ILogger<Warmer>>(), workers: 1);

    /// <summary>An image came, changed or went, or a hypervisor did: what is held where may be something else.</summary>
    sealed class Listener(Reconciler<PrewarmLook> loop) : IEventListener
    {
        public void OnEvent(EventEnvelope e)
        {
            if (e.Is("image.image.") || e.Is("compute.hypervisor.") || e.Is("compute.imagePrewarm.created")
                || e.Is("compute.imagePrewarm.deleted")) loop.Wake(default);
        }
    }
}
