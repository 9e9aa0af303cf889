using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Grpc.Core;
using Monolith.Agent.V1;
using Monolith.Host.Tests.Cloud;

namespace Monolith.Host.Tests.Input;

/// <summary>Bytes that no client library sends.</summary>
public sealed class WireTests(RunningHost host) : IDisposable
{
    const string Get = "/monolith.compute.v1.ServerService/GetServer";
    const string Watch = "/monolith.compute.v1.ServerService/WatchServers";
    const string Upload = "/monolith.image.v1.ImageService/UploadImage";

    readonly HttpClient http = new()
    {
        DefaultRequestVersion = HttpVersion.Version20,
        DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        Timeout = TimeSpan.FromSeconds(60),
    };

    public void Dispose() => http.Dispose();

    public static TheoryData<string, string> Bodies
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var path in new[] { Get, Watch, Upload })
                foreach (var body in new[]
                {
                    "",                      // no message at all
                    "00",                    // a frame that ends in its head
                    "00000000",
                    "000000006400",          // 100 bytes are announced, 1 comes
                    "0000000004ffffffff",    // a tag that never ends
                    "00000000020aff",        // a string longer than the message
                    "00000000030a01ff",      // a string that is not UTF-8
                    "00000000020807",        // another wire type than the field's, and nothing that is needed
                    "0000000002ffff",
                    "deadbeef",
                    "474554202f20485454502f312e310d0a0d0a",
                }) data.Add(path, body);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task ABody_ThatIsNoMessage_IsInvalid(string path, string hex)
    {
        var (status, details) = await PostAsync(path, Convert.FromHexString(hex));
        Assert.Equal(StatusCode.InvalidArgument, status);
        Assert.NotEmpty(details);
        await host.AliveAsync();
    }

    [Fact]
    public async Task RandomBytes_AreAnswered_AndTheHostLives()
    {
        var seed = Random.Shared.Next();
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        for (var round = 0; round < 300; round++)
        {
            var payload = new byte[random.Next(200)];
            random.NextBytes(payload);
            // Half of them in a frame of the right length.
            var body = random.Next(2) == 0 ? payload : Frame(payload);
            var path = new[] { Get, Watch, Upload }[random.Next(3)];
            var (status, _) = await PostAsync(path, body);
            Assert.True(status is StatusCode.InvalidArgument or StatusCode.NotFound or StatusCode.ResourceExhausted
                or StatusCode.Unimplemented or StatusCode.OK, $"seed {seed}, round {round}: {status}");
        }
        await host.AliveAsync();
    }

    [Fact]
    public async Task AFrame_ThatIsTooLong_OrCompressedByNobodyKnowsWhat_IsRefused()
    {
        Assert.True((await PostAsync(Get, Convert.FromHexString("00ffffffff00"))).Status
            is StatusCode.ResourceExhausted or StatusCode.InvalidArgument);
        Assert.Equal(StatusCode.ResourceExhausted, (await PostAsync(Get, Frame(new byte[5 << 20]))).Status);
        Assert.Equal(StatusCode.Unimplemented, (await PostAsync(Get, Convert.FromHexString("010000000100"),
            headers: ("grpc-encoding", "rot13"))).Status);
        await host.AliveAsync();
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/json")]
    [InlineData("application/grpcx")]
    [InlineData("application/x-www-form-urlencoded")]
    public async Task AnotherContentType_IsRefused_WithAStatusOfTheCallers(string type)
    {
        using var answer = await SendAsync(Get, "{}"u8.ToArray(), type);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, answer.StatusCode);
        Assert.Equal(StatusCode.InvalidArgument, StatusOf(answer));
        await host.AliveAsync();
    }

    [Theory]
    [InlineData("/monolith.compute.v1.ServerService/None")]
    [InlineData("/monolith.none.v1.Service/Method")]
    [InlineData("/x")]
    [InlineData("/monolith.compute.v1.ServerService/GetServer/more")]
    public async Task AnUnknownMethod_IsUnimplemented(string path)
    {
        using var answer = await SendAsync(path, Frame([]), "application/grpc");
        var status = StatusOf(answer);
        // A path that is no method's gets HTTP's own answer, which clients take for UNIMPLEMENTED.
        Assert.True(status == StatusCode.Unimplemented || answer.StatusCode == HttpStatusCode.NotFound, $"{status}");
    }

    [Theory]
    [InlineData("authorization", "Basic YTpi", StatusCode.Unauthenticated)]
    [InlineData("authorization", "Bearer", StatusCode.Unauthenticated)]
    [InlineData("authorization", "Bearer a b c", StatusCode.Unauthenticated)]
    [InlineData("grpc-timeout", "soon", null)]
    [InlineData("grpc-timeout", "99999999999999H", null)]
    public async Task AMalformedHeader_IsNeverOurFault(string name, string value, StatusCode? expected)
    {
        var (status, _) = await PostAsync(Get, Frame([]), headers: (name, value));
        if (expected is not null) Assert.Equal(expected, status);
        else Assert.True(status is StatusCode.InvalidArgument or StatusCode.Unimplemented, $"{status}");
        await host.AliveAsync();
    }

    [Fact]
    public async Task AHeader_ThatIsTooLong_IsRefused()
    {
        try
        {
            using var answer = await SendAsync(Get, Frame([]), "application/grpc", ("x-long", new string('x', 200_000)));
            Assert.False(answer.IsSuccessStatusCode);
        }
        catch (HttpRequestException)
        {
            // A connection that is ended for it is an answer as well.
        }
        await host.AliveAsync();
    }

    /// <summary>Other protocols at the ports: silence or an error, and the next caller is served.</summary>
    [Fact]
    public async Task OtherProtocols_EndTheirConnection_AndNoOther()
    {
        var seed = Random.Shared.Next();
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var noise = new byte[4096];
        new Random(seed).NextBytes(noise);
        byte[][] openings =
        [
            "GET / HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray(),
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nxxxxxxxxxxxxxxxxxxxxxx"u8.ToArray(),
            "SSH-2.0-x\r\n"u8.ToArray(),
            [0x16, 0x03, 0x01, 0xff, 0xff, 0x01],
            noise,
        ];
        foreach (var endpoint in new[] { host.Plain, host.Tls })
            foreach (var opening in openings)
            {
                using var tcp = new TcpClient();
                await tcp.ConnectAsync(endpoint);
                var stream = tcp.GetStream();
                await stream.WriteAsync(opening);
                tcp.Client.Shutdown(SocketShutdown.Send);
                using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
                var buffer = new byte[4096];
                try
                {
                    while (await stream.ReadAsync(buffer, patience.Token) > 0)
                    {
                    }
                }
                catch (IOException)
                {
                    // Reset.
                }
            }
        await host.AliveAsync();
    }

    [Fact]
    public async Task WhoSaysNothing_OrHalfAHandshake_KeepsNobodyWaiting()
    {
        // More than are let in at a time, and each of them may stay for ten seconds.
        var mute = Enumerable.Range(0, 64 * Environment.ProcessorCount).Select(_ => new TcpClient()).ToList();
        try
        {
            for (var i = 0; i < mute.Count; i++)
            {
                await mute[i].ConnectAsync(host.Tls);
                if (i % 2 == 0) await mute[i].GetStream().WriteAsync(new byte[] { 0x16, 0x03, 0x01, 0x02, 0x00, 0x01 });
            }
            using var channel = host.Channel(null);
            var refused = await Assert.ThrowsAsync<RpcException>(async () =>
                await new NodeService.NodeServiceClient(channel).JoinAsync(new JoinRequest(),
                    deadline: DateTime.UtcNow.AddSeconds(8)));
            Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
        }
        finally
        {
            mute.ForEach(m => m.Dispose());
        }
    }

    static byte[] Frame(byte[] payload)
    {
        var frame = new byte[5 + payload.Length];
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), payload.Length);
        payload.CopyTo(frame, 5);
        return frame;
    }

    async Task<(StatusCode Status, string Details)> PostAsync(string path, byte[] body,
        params (string Name, string Value)[] headers)
    {
        using var answer = await SendAsync(path, body, "application/grpc", headers);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var details = Header(answer, "grpc-status-details-bin") ?? "";
        return (StatusOf(answer) ?? throw new InvalidDataException("The answer has no grpc-status."), details);
    }

    async Task<HttpResponseMessage> SendAsync(string path, byte[] body, string type,
        params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"http://{host.Plain}{path}"))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body),
        };
        request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        request.Headers.TryAddWithoutValidation("te", "trailers");
        if (!headers.Any(h => h.Name == "authorization"))
            request.Headers.TryAddWithoutValidation("authorization", "Bearer " + host.Token);
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        // A watch that such a request opens would never end by itself.
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var answer = await http.SendAsync(request, HttpCompletionOption.ResponseContentRead, patience.Token);
        return answer;
    }

    static StatusCode? StatusOf(HttpResponseMessage answer) => Header(answer, "grpc-status") is { } text
        ? (StatusCode)int.Parse(text, CultureInfo.InvariantCulture)
        : null;

    static string? Header(HttpResponseMessage answer, string name) =>
        answer.Headers.TryGetValues(name, out var values) || answer.TrailingHeaders.TryGetValues(name, out values)
            ? values.First()
            : null;
}
