using Grpc.Core;
using Monolith.Platform.Faults;

namespace Monolith.Host.Access;

/// <summary>
/// Who neither reads nor goes holds a stream, and what it holds, for ever: a connection's pings are answered by libraries that
/// have long forgotten the call.
/// </summary>
internal static class Patience
{
    /// <summary>Answers that a caller must read within a time.</summary>
    /// <param name="abandon">Ends the call without a word: nobody would read it.</param>
    /// <param name="begin">Done before the first of them.</param>
    public static IServerStreamWriter<T> Toward<T>(
        IServerStreamWriter<T> stream, TimeSpan patience, TimeProvider time, Action abandon, Func<Task>? begin = null) =>
        new Writer<T>(stream, patience, time, abandon, begin);

    /// <summary>Messages that a caller must send within a time of each other.</summary>
    public static IAsyncStreamReader<T> With<T>(IAsyncStreamReader<T> stream, TimeSpan patience, TimeProvider time) =>
        new Reader<T>(stream, patience, time);

    sealed class Writer<T>(IServerStreamWriter<T> stream, TimeSpan patience, TimeProvider time, Action abandon, Func<Task>? begin)
        : IServerStreamWriter<T>
    {
        public WriteOptions? WriteOptions
        {
            get => stream.WriteOptions;
            set => stream.WriteOptions = value;
        }

        public Task WriteAsync(T message) => WriteAsync(message, CancellationToken.None);

        public async Task WriteAsync(T message, CancellationToken cancellationToken)
        {
            if (begin is not null) await begin();
            var writing = stream.WriteAsync(message, cancellationToken);
            try
            {
                // Most are done at once, and want no timer. A cancellation ends the write itself: a call that went on before it
                // would have its write ended after it.
                await (writing.IsCompleted ? writing : writing.WaitAsync(patience, time, CancellationToken.None));
            }
            catch (TimeoutException) when (!writing.IsCompleted)
            {
                _ = writing.ContinueWith(static t => t.Exception, TaskContinuationOptions.OnlyOnFaulted);
                abandon();
                throw Fault.Exhausted("READER_TOO_SLOW", $"Nothing of this stream was read for {patience.TotalSeconds:0} s. Read it, or end it.");
            }
        }
    }

    sealed class Reader<T>(IAsyncStreamReader<T> stream, TimeSpan patience, TimeProvider time) : IAsyncStreamReader<T>
    {
        public T Current => stream.Current;

        public async Task<bool> MoveNext(CancellationToken cancel)
        {
            var reading = stream.MoveNext(cancel);
            try
            {
                return await (reading.IsCompleted ? reading : reading.WaitAsync(patience, time, CancellationToken.None));
            }
            catch (TimeoutException) when (!reading.IsCompleted)
            {
                _ = reading.ContinueWith(static t => t.Exception, TaskContinuationOptions.OnlyOnFaulted);
                throw Fault.Exhausted("SENDER_TOO_SLOW", $"Nothing was sent for {patience.TotalSeconds:0} s. Send on, or begin anew.");
            }
        }
    }
}
