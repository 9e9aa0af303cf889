using Microsoft.Extensions.Logging;

namespace Monolith.Agent.Reconcile;

internal static partial class ReconcileLog
{
    [LoggerMessage(Level = LogLevel.Error, Message = "{concern}: step of {key} failed unexpectedly; taken again soon")]
    public static partial void StepFailed(this ILogger log, Exception fault, string concern, string key);

    [LoggerMessage(Level = LogLevel.Information, Message = "vm {vm}: {decision}")]
    public static partial void VmDecided(this ILogger log, string vm, string decision);

    [LoggerMessage(Level = LogLevel.Warning, Message = "vm {vm}: {step} failed, {reason}: {cause}")]
    public static partial void VmStepFailed(this ILogger log, string vm, string step, string reason, string cause);

    [LoggerMessage(Level = LogLevel.Information, Message = "vm {vm}: running and answers {ms} ms after the first step")]
    public static partial void VmAnswers(this ILogger log, string vm, long ms);

    [LoggerMessage(Level = LogLevel.Warning, Message = "port {port}: {reason}: {cause}")]
    public static partial void PortFailed(this ILogger log, string port, string reason, string cause);

    [LoggerMessage(Level = LogLevel.Warning, Message = "load balancer {id}: {reason}: {cause}")]
    public static partial void LoadBalancerFailed(this ILogger log, string id, string reason, string cause);

    [LoggerMessage(
        Level = LogLevel.Warning, Message = "{concern}: {id} is here and nobody wants it; removed after {grace}")]
    public static partial void Unwanted(this ILogger log, string concern, string id, TimeSpan grace);

    [LoggerMessage(Level = LogLevel.Information, Message = "vm {vm}: the host has its copy {snapshot}")]
    public static partial void SnapshotSent(this ILogger log, string vm, string snapshot);

    [LoggerMessage(Level = LogLevel.Warning, Message = "vm {vm}: a step of its copy failed and is taken again: {cause}")]
    public static partial void SnapshotFailed(this ILogger log, string vm, string cause);

    [LoggerMessage(Level = LogLevel.Warning, Message = "image {sha256}, wanted ahead, is not here yet: {cause}")]
    public static partial void ImageNotFetched(this ILogger log, string sha256, string cause);

    [LoggerMessage(Level = LogLevel.Warning, Message = "images that nobody uses stay for now: {cause}")]
    public static partial void ImagesNotRemoved(this ILogger log, string cause);
}
