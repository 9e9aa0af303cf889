using Microsoft.AspNetCore.Connections;

namespace Monolith.Host;

/// <summary>
/// Lets a few TLS handshakes go on at a time. They are processor time and little else: when a whole fleet comes back at
/// once, thousands side by side would finish no sooner than one after the other, and every call would wait behind them.
/// <code>
///   connection ─▶ Admit ─▶ TLS ─▶ Done ─▶ HTTP
///                   └── a handshake that fails, or takes too long, gives its place back ──┘
/// </code>
/// </summary>
internal static class Handshakes
{
    // Half of one's time is waiting for the other side.
    static readonly SemaphoreSlim Places = new(2 * Environment.ProcessorCount);

    public static ConnectionDelegate Admit(ConnectionDelegate next) => async connection =>
    {
        try
        {
            await Places.WaitAsync(connection.ConnectionClosed);
        }
        catch (OperationCanceledException)
        {
            // It went while it waited.
            return;
        }
        var place = new Place();
        connection.Items[typeof(Place)] = place;
        try
        {
            await next(connection);
        }
        finally
        {
            place.Leave();
        }
    };

    public static ConnectionDelegate Done(ConnectionDelegate next) => connection =>
    {
        if (connection.Items.TryGetValue(typeof(Place), out var place)) ((Place)place!).Leave();
        return next(connection);
    };

    sealed class Place
    {
        int left;

        public void Leave()
        {
            if (Interlocked.Exchange(ref left, 1) == 0) Places.Release();
        }
    }
}
