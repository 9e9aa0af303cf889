using Microsoft.Extensions.Logging;

namespace Monolith.Agent.Images;

internal static partial class ImageLog
{
    [LoggerMessage(Level = LogLevel.Information, Message = "Image {Digest} fetched, {Size} bytes")]
    public static partial void Fetched(ILogger logger, ImageDigest digest, long size);

    [LoggerMessage(Level = LogLevel.Information, Message = "Image {Digest} given to {Node}, {Size} bytes")]
    public static partial void Given(ILogger logger, ImageDigest digest, string node, long size);

    [LoggerMessage(Level = LogLevel.Debug, Message = "A reader of images was let go: {Cause}")]
    public static partial void PeerLeft(ILogger logger, string cause);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Images are not given to other hypervisors: TCP {Port} cannot be listened on: {Cause}")]
    public static partial void NotServed(ILogger logger, int port, string cause);

    [LoggerMessage(Level = LogLevel.Information, Message = "Image {Digest} removed: no VM uses it")]
    public static partial void Removed(ILogger logger, ImageDigest digest);

    [LoggerMessage(Level = LogLevel.Information, Message = "Removed {Name}, left by a fetch that a crash cut short")]
    public static partial void LeftoverRemoved(ILogger logger, string name);
}
