using System.Text;
using CsCheck;
using Monolith.Agent.Network.Metadata;

namespace Monolith.Agent.Tests.Network.Metadata;

public sealed class HttpRequestTests
{
    [Theory]
    [InlineData("GET /latest HTTP/1.1\r\nHost: x\r\n\r\n", "GET", "/latest")]
    [InlineData("GET /latest?a=b HTTP/1.0\r\n\r\n", "GET", "/latest")]
    [InlineData("PUT /latest/api/token HTTP/1.1\r\n\r\nbody that nobody reads", "PUT", "/latest/api/token")]
    [InlineData("GET http://169.254.169.254/a/b HTTP/1.1\r\n\r\n", "GET", "/a/b")]
    [InlineData("GET http://169.254.169.254 HTTP/1.1\r\n\r\n", "GET", "/")]
    public void Request_IsRead(string text, string method, string path)
    {
        Assert.Equal(HttpParse.Complete, HttpRequest.Parse(Encoding.ASCII.GetBytes(text), out var request));
        Assert.Equal(new HttpRequest(method, path), request);
    }

    [Theory]
    [InlineData("GET\r\n\r\n")]
    [InlineData("GET /a b HTTP/1.1\r\n\r\n")]
    [InlineData("GET a HTTP/1.1\r\n\r\n")]
    [InlineData("GET / HTTP/2\r\n\r\n")]
    [InlineData("\r\n\r\n")]
    [InlineData("\u0016\u0003\u0001")]
    public void AnythingElse_IsMalformed(string text) =>
        Assert.Equal(HttpParse.Malformed, HttpRequest.Parse(Encoding.Latin1.GetBytes(text), out _));

    [Fact]
    public void HeadOver8KiB_IsMalformed_AndOneByteAtATimeIsWaitedFor()
    {
        var head = Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nX: " + new string('x', HttpRequest.MaxHead));
        Assert.Equal(HttpParse.Malformed, HttpRequest.Parse(head.AsSpan(0, HttpRequest.MaxHead), out _));
        var request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray();
        for (var i = 0; i < request.Length; i++)
            Assert.Equal(HttpParse.Incomplete, HttpRequest.Parse(request.AsSpan(0, i), out _));
    }

    [Fact]
    public void AnyBytes_AreAnswered() => Gen.OneOf(
        Gen.Byte.Array[0, 300],
        Gen.String[Gen.Char["GETPU /.:?#%\r\nHTP1latesmdu-0"], 0, 80].Select(
            s => Encoding.ASCII.GetBytes(s + " HTTP/1.1\r\n\r\n")))
        .Sample(bytes =>
        {
            if (HttpRequest.Parse(bytes, out var request) == HttpParse.Complete)
                Assert.InRange(MetadataTree.Answer(request!, MetadataTreeTests.Subject).Status, 200, 499);
        });
}
