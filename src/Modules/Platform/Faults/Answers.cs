using Grpc.Core;

namespace Monolith.Platform.Faults;

/// <summary>
/// A stream of answers whose reader may go at any moment. ASP.NET Core calls it a mistake to write to a request that has
/// ended, by an InvalidOperationException; nobody can know that in time, and it is no more than the end of the call.
/// </summary>
internal sealed class Answers<T>(IServerStreamWriter<T> inner, ServerCallContext context) : IServerStreamWriter<T>
{
    public WriteOptions? WriteOptions
    {
        get => inner.WriteOptions;
        set => inner.WriteOptions = value;
    }

    public Task WriteAsync(T message) => WriteAsync(message, CancellationToken.None);

    /// <exception cref="OperationCanceledException">The caller went away, or its deadline passed.</exception>
    public async Task WriteAsync(T message, CancellationToken cancellationToken)
    {
        try
        {
            await inner.WriteAsync(message, cancellationToken);
        }
        catch (InvalidOperationException e) when (context.HasEnded())
        {
            throw new OperationCanceledException("The request had ended.", e, context.CancellationToken);
        }
    }
}

internal static class Ends
{
    /// <summary>Nobody waits for an answer any more. A deadline closes the stream a moment before it cancels.</summary>
    public static bool HasEnded(this ServerCallContext context) =>
        context.CancellationToken.IsCancellationRequested || context.IsLate();

    public static bool IsLate(this ServerCallContext context) =>
        context.Deadline != DateTime.MaxValue && context.Deadline <= DateTime.UtcNow;
}
