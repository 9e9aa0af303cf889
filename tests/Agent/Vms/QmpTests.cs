using System.Net.Sockets;
using System.Text;
using CsCheck;
using Monolith.Agent.Vms.Qmp;

namespace Monolith.Agent.Tests.Vms;

public sealed class QmpTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("""{"QMP":{"version":{"qemu":{"micro":22,"minor":2,"major":7},"package":"x"},"capabilities":[]}}""",
        "Greeting { Major = 7, Minor = 2, Micro = 22 }")]
    [InlineData("""{"return":{},"id":3}""", "Return { Id = 3, Value = {} }")]
    [InlineData("""{"id":4,"error":{"class":"GenericError","desc":"no"}}""",
        "Error { Id = 4, Class = GenericError, Description = no }")]
    [InlineData("""{"error":{"class":"GenericError","desc":"no"}}""",
        "Error { Id = , Class = GenericError, Description = no }")]
    [InlineData("""{"timestamp":{"seconds":1,"microseconds":2},"event":"STOP"}""", "Event { Name = STOP, Data =  }")]
    public void Parse_Message_IsUnderstood(string line, string expected) =>
        Assert.Equal(expected, Parse(line).ToString());

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"return":{}}""")]
    [InlineData("""{"return":{},"id":"x"}""")]
    [InlineData("""{"event":7}""")]
    [InlineData("""{"error":{}}""")]
    [InlineData("""{"QMP":{"version":{"qemu":{"major":1e99}}}}""")]
    [InlineData("""{"event":"\ud800"}""")]
    public void Parse_NotQmp_IsAProtocolError(string line) =>
        Assert.Throws<QmpProtocolException>(() => Parse(line));

    [Fact]
    public void Parse_AnyBytes_ThrowNothingElse()
    {
        string[] all = ["{", "}", "\"event\"", "\"return\"", "\"id\"", "\"error\"", "\"QMP\"", ":", ",", "1",
            "-", "null", "\"class\"", "[", "]", "\"desc\"", "\\u", "\""];
        var words = Gen.Int[0, all.Length - 1].Select(i => all[i]);
        Gen.OneOf(Gen.Byte.Array, words.Array[0, 30].Select(w => Encoding.UTF8.GetBytes(string.Concat(w))))
            .Sample(bytes =>
            {
                try
                {
                    return QmpParser.Parse(bytes) is not null;
                }
                catch (QmpProtocolException)
                {
                    return true;
                }
            });
    }

    [Fact]
    public async Task Execute_AnswersOutOfOrder_ReachTheirCallers()
    {
        await using var peer = await Peer.StartAsync(Stop);
        var first = peer.Monitor.ExecuteAsync("a", null, Deadline, Stop);
        var second = peer.Monitor.ExecuteAsync("b", w => w.WriteNumber("n", 5), Deadline, Stop);
        Assert.Equal("""{"execute":"a","id":2}""", await peer.ReadAsync());
        Assert.Equal("""{"execute":"b","arguments":{"n":5},"id":3}""", await peer.ReadAsync());
        await peer.WriteAsync("""{"return":"B","id":3}""");
        await peer.WriteAsync("""{"event":"RESET","data":{"guest":true}}""");
        await peer.WriteAsync("""{"error":{"class":"CommandNotFound","desc":"what?"},"id":2}""");
        Assert.Equal("B", (await second).GetString());
        var refused = await Assert.ThrowsAsync<QmpCommandException>(() => first);
        Assert.Equal(
            ("a", "CommandNotFound", "QEMU refused a: what?"), (refused.Command, refused.ErrorClass, refused.Message));
        Assert.Equal(["RESET"], peer.Events);
    }

    [Fact]
    public async Task Execute_NoAnswer_EndsAtTheDeadline()
    {
        await using var peer = await Peer.StartAsync(Stop);
        await Assert.ThrowsAsync<TimeoutException>(
            () => peer.Monitor.ExecuteAsync("a", null, TimeSpan.FromMilliseconds(30), Stop));
    }

    [Fact]
    public async Task Connection_Lost_FailsWhoWaitsAndWhoComes()
    {
        await using var peer = await Peer.StartAsync(Stop);
        var waiting = peer.Monitor.ExecuteAsync("a", null, Deadline, Stop);
        peer.Close();
        await Assert.ThrowsAsync<QmpProtocolException>(() => waiting);
        await peer.Monitor.Closed.WaitAsync(Deadline, Stop);
        await Assert.ThrowsAsync<QmpProtocolException>(() => peer.Monitor.ExecuteAsync("b", null, Deadline, Stop));
    }

    [Fact]
    public async Task Connection_GarbageOrEndlessLine_IsClosed()
    {
        await using (var peer = await Peer.StartAsync(Stop))
        {
            await peer.WriteAsync("garbage");
            await peer.Monitor.Closed.WaitAsync(Deadline, Stop);
        }
        await using (var peer = await Peer.StartAsync(Stop))
        {
            var flood = peer.WriteAsync(new string(' ', QmpParser.LineLimit * 3));
            await peer.Monitor.Closed.WaitAsync(Deadline, Stop);
            peer.Close();
            await flood.ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }

    private static QmpMessage Parse(string line) => QmpParser.Parse(Encoding.UTF8.GetBytes(line));

    /// <summary>QEMU's end of a connection.</summary>
    private sealed class Peer : IAsyncDisposable
    {
        private readonly Socket socket;
        private readonly StreamReader reader;

        private Peer(Socket socket)
        {
            this.socket = socket;
            reader = new StreamReader(new NetworkStream(socket));
        }

        public QmpMonitor Monitor { get; private set; } = null!;

        public List<string> Events { get; } = [];

        public static async Task<Peer> StartAsync(CancellationToken cancellation)
        {
            using var scratch = new Scratch();
            using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            listener.Bind(new UnixDomainSocketEndPoint(scratch.In("s")));
            listener.Listen();
            var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await client.ConnectAsync(new UnixDomainSocketEndPoint(scratch.In("s")), cancellation);
            var peer = new Peer(await listener.AcceptAsync(cancellation));
            var opening = QmpMonitor.OpenAsync(client, e => peer.Events.Add(e.Name), Deadline, cancellation);
            await peer.WriteAsync(
                """{"QMP":{"version":{"qemu":{"micro":22,"minor":2,"major":7},"package":"x"},"capabilities":["oob"]}}"""
                + "\r");
            Assert.Equal("""{"execute":"qmp_capabilities","id":1}""", await peer.ReadAsync());
            await peer.WriteAsync("""{"return":{},"id":1}""");
            peer.Monitor = await opening;
            return peer;
        }

        public Task<int> WriteAsync(string line) => this.socket.SendAsync(Encoding.UTF8.GetBytes(line + "\n"));

        public async Task<string?> ReadAsync() => await reader.ReadLineAsync();

        public void Close() => this.socket.Close();

        public async ValueTask DisposeAsync()
        {
            await Monitor.DisposeAsync();
            reader.Dispose();
            this.socket.Dispose();
        }
    }
}
