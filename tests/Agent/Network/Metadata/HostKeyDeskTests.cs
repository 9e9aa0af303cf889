using System.Text;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using Monolith.Agent.Network.Metadata;

namespace Monolith.Agent.Tests.Network.Metadata;

/// <summary>Host keys of guests, on their way to who certifies them.</summary>
public sealed class HostKeyDeskTests
{
    private readonly FakeTimeProvider time = new();
    private readonly List<string> asked = [];

    private HostKeyDesk Desk => field ??= new(
        (guest, keys, _) =>
        {
            asked.Add(guest);
            return Task.FromResult<IReadOnlyList<string>>([.. keys.Select(k => "certified " + k)]);
        },
        time);

    [Fact]
    public async Task Root_GetsACertificateForEachKey()
    {
        var answer = await AskAsync("one\r\ntwo\n");
        Assert.Equal((200, "certified one\ncertified two\n"), (answer.Status, Encoding.UTF8.GetString(answer.Body.Span)));
        Assert.Equal([MetadataTreeTests.Subject.Document.InstanceId], asked);
    }

    [Theory]
    [InlineData(1024)]
    [InlineData(40_000)]
    [InlineData(0)]
    public async Task FromAPortThatAnybodyMayUse_NothingIsCertified(int port)
    {
        Assert.Equal(403, (await AskAsync("one", port)).Status);
        Assert.Empty(asked);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n\n")]
    [InlineData("1\n2\n3\n4\n5\n6\n7\n8\n9")]
    public async Task WithoutKeys_OrWithMany_NothingIsAsked(string body)
    {
        Assert.Equal(400, (await AskAsync(body)).Status);
        Assert.Empty(asked);
    }

    [Fact]
    public async Task AGuestThatAsksAndAsks_IsHeardOnceAMinute_AndAnotherAsBefore()
    {
        for (var i = 0; i < 20; i++) await AskAsync("one");
        Assert.Equal(5, asked.Count);
        Assert.Equal(429, (await AskAsync("one")).Status);
        Assert.Equal(200, (await AskAsync("one", guest: "another")).Status);
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(200, (await AskAsync("one")).Status);
        Assert.Equal(429, (await AskAsync("one")).Status);
    }

    [Theory]
    [InlineData(StatusCode.InvalidArgument, 400)]
    [InlineData(StatusCode.NotFound, 404)]
    [InlineData(StatusCode.Unavailable, 503)]
    [InlineData(StatusCode.Cancelled, 503)]
    public async Task WhatTheHostSays_IsPassedOn(StatusCode code, int status)
    {
        var desk = new HostKeyDesk((_, _, _) => throw new RpcException(new Status(code, "why")), time);
        for (var i = 0; i < 3; i++)
            Assert.Equal(status, (await desk.AnswerAsync(MetadataTreeTests.Subject, 700, "one"u8.ToArray(), default)).Status);
    }

    [Theory]
    [InlineData("POST / HTTP/1.1\r\n\r\n", 0)]
    [InlineData("POST / HTTP/1.1\r\nContent-Length: 12\r\n\r\n", 12)]
    [InlineData("POST / HTTP/1.1\r\nHost: x\r\ncontent-length:7\r\n\r\n", 7)]
    [InlineData("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", null)]
    [InlineData("POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", null)]
    [InlineData("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", null)]
    [InlineData("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", null)]
    [InlineData("POST / HTTP/1.1\r\nContent-Length\r\n\r\n", null)]
    public void ABodysLength_IsSaidOnce_OrItIsNone(string head, int? length) =>
        Assert.Equal((head.Length, length), HttpRequest.BodyOf(Encoding.ASCII.GetBytes(head)));

    private Task<HttpAnswer> AskAsync(string body, int port = 700, string? guest = null)
    {
        var subject = MetadataTreeTests.Subject;
        if (guest is not null)
            subject = subject with { Document = subject.Document with { InstanceId = guest } };
        return Desk.AnswerAsync(subject, port, Encoding.ASCII.GetBytes(body), default);
    }
}
