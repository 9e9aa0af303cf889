using System.Net.Sockets;
using Monolith.Agent.Native.Safe;
using Monolith.Agent.Vms;

namespace Monolith.Agent.Consoles;

/// <summary>
/// The socket behind a guest's serial port, which QEMU lets one client have: this one, for all viewers.
/// <code>
///   viewer ─┐                                  ┌─▶ serial.log ─▶ every viewer
///   viewer ─┼─▶ one connection ◀─▶ QEMU ──────┤
///   viewer ─┘        │                         └─▶ the connection
///                    └─ read and dropped: it tells that the log has news
/// </code>
/// The connection is there while a viewer is. QEMU waits for a client that does not read, so it is always read, and the
/// slowest viewer holds up nobody. Without a client QEMU drops what it would send, and the log has it all the same.
/// </summary>
internal sealed class SerialPort(VmId id, string directory, ConsoleLog log) : IAsyncDisposable
{
    private readonly SemaphoreSlim gate = new(1, 1);
    private Connection? open;

    /// <exception cref="VmException">QEMU has no such socket.</exception>
    public async Task<ISerialLine> ConnectAsync(CancellationToken cancellation)
    {
        await gate.WaitAsync(cancellation);
        try
        {
            if (open is null or { Closed.IsCompleted: true })
                open = new Connection(await DialAsync(cancellation), log);
            open.Viewers++;
            return new Line(this, open);
        }
        finally
        {
            gate.Release();
        }
    }

    private async Task<Socket> DialAsync(CancellationToken cancellation)
    {
        using var reach = ProcessDirectory.Open(directory);
        try
        {
            return await reach.ConnectAsync(VmCommandLine.SerialSocket, cancellation);
        }
        catch (SocketException e)
        {
            throw new VmException(
                VmFailure.NoDevice,
                $"QEMU of VM {id} has no serial socket ({e.SocketErrorCode}): it was started without one, or is about "
                + "to end. Restart the server", e);
        }
    }

    private async Task LeaveAsync(Connection connection)
    {
        await gate.WaitAsync();
        try
        {
            if (--connection.Viewers > 0) return;
            if (open == connection) open = null;
            await connection.DisposeAsync();
        }
        finally
        {
            gate.Release();
        }
    }

    /// <summary>Closes it for all viewers.</summary>
    public async ValueTask DisposeAsync()
    {
        await gate.WaitAsync();
        if (open is not null) await open.DisposeAsync();
        open = null;
        gate.Release();
    }

    private sealed class Connection : IAsyncDisposable
    {
        private readonly Socket socket;
        private readonly SemaphoreSlim writing = new(1, 1);

        public Connection(Socket socket, ConsoleLog log)
        {
            this.socket = socket;
            Closed = Task.Run(() => DrainAsync(log));
        }

        public int Viewers { get; set; }

        public Task Closed { get; }

        public async Task WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
        {
            await writing.WaitAsync(cancellation);
            try
            {
                while (bytes.Length > 0) bytes = bytes[await socket.SendAsync(bytes, cancellation)..];
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                throw new IOException("the serial port is closed", e);
            }
            finally
            {
                writing.Release();
            }
        }

        private async Task DrainAsync(ConsoleLog log)
        {
            var buffer = new byte[8192];
            try
            {
                while (await socket.ReceiveAsync(buffer) > 0) log.Nudge();
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // Closed by QEMU's death or by the last viewer.
            }
        }

        public async ValueTask DisposeAsync()
        {
            socket.Dispose();
            await Closed;
        }
    }

    private sealed class Line(SerialPort port, Connection connection) : ISerialLine
    {
        private int left;

        public Task Closed => connection.Closed;

        public Task WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellation) =>
            connection.WriteAsync(bytes, cancellation);

        public async ValueTask DisposeAsync()
        {
            if (Interlocked.Exchange(ref left, 1) == 0) await port.LeaveAsync(connection);
        }
    }
}
