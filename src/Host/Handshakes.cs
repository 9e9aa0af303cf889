using Microsoft.AspNetCore.Connections;

namespace Monolith.Host;

/// <summary>
/// Lets TLS handshakes begin at a pace. They are processor time and little else: when a whole fleet comes back at once,
/// thousands side by side would finish no sooner than one after the other, and every call would wait behind them.
/// <code>
///   connection ─▶ first bytes ─▶ Admit ─▶ TLS ─▶ Done ─▶ HTTP
///                                  └── the place is free again when it is done, fails, or has had its time ──┘
/// </code>
/// Nobody holds a place by silence: who says nothing has none, and who says nothing more loses it.
/// </summary>
internal static class Handshakes
{
    // A handshake takes a few milliseconds of a core. One that takes longer waits for the other side.
    static readonly TimeSpan Turn = TimeSpan.FromMilliseconds(10);

    // Half of one's time is waiting for the other side.
    static readonly SemaphoreSlim Places = new(2 * Environment.ProcessorCount);

    /// <param name="patience">For the first bytes.</param>
    public static Func<ConnectionDelegate, ConnectionDelegate> Admit(TimeSpan patience) => next => async connection =>
    {
        if (!await SpeaksAsync(connection, patience)) return;
        try
        {
            await Places.WaitAsync(connection.ConnectionClosed);
        }
        catch (OperationCanceledException)
        {
            // It went while it waited.
            return;
        }
        using var place = new Place();
        connection.Items[typeof(Place)] = place;
        try
        {
            await next(connection);
        }
        catch (NotSupportedException)
        {
            // What .NET calls a handshake that finds no cipher in common. The other side hears it by an alert; a log that
            // everybody can fill helps nobody.
        }
    };

    public static ConnectionDelegate Done(ConnectionDelegate next) => connection =>
    {
        if (connection.Items.TryGetValue(typeof(Place), out var place)) ((Place)place!).Dispose();
        return next(connection);
    };

    static async Task<bool> SpeaksAsync(ConnectionContext connection, TimeSpan patience)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(connection.ConnectionClosed);
        silence.CancelAfter(patience);
        try
        {
            var input = connection.Transport.Input;
            var first = await input.ReadAsync(silence.Token);
            // Left for TLS to read.
            input.AdvanceTo(first.Buffer.Start);
            return !first.Buffer.IsEmpty;
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            return false;
        }
    }

    sealed class Place : IDisposable
    {
        readonly Timer turn;
        int left;

        public Place()
        {
            turn = new Timer(static place => ((Place)place!).Leave(), this, Timeout.Infinite, Timeout.Infinite);
            turn.Change(Turn, Timeout.InfiniteTimeSpan);
        }

        public void Dispose()
        {
            turn.Dispose();
            Leave();
        }

        void Leave()
        {
            if (Interlocked.Exchange(ref left, 1) == 0) Places.Release();
        }
    }
}
