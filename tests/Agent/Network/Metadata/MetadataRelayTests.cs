using Grpc.Core;
using Monolith.Agent.Network.Metadata;
using Monolith.Agent.V1;

namespace Monolith.Agent.Tests.Network.Metadata;

/// <summary>What a guest is told of who signs logins, while one authority takes another's place.</summary>
public sealed class MetadataRelayTests
{
    private static readonly MetadataDocument Document =
        MetadataTreeTests.Subject.Document with { Login = new GuestLogin(["old"], "uid:root", "uid:login", Revision: 1) };

    private sealed class Source(MetadataDocument document) : IMetadataSource
    {
        public MetadataDocument? Find(string portId) => portId == "there" ? document : null;
    }

    /// <summary>A host that certifies by words.</summary>
    private sealed class Host(long revision, params string[] authorities) : CallInvoker
    {
        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
        {
            var asked = Assert.IsType<CertifyHostKeysRequest>(request);
            object answer = new CertifyHostKeysResponse
            {
                Certificates = { asked.PublicKeys.Select(k => "certified " + k) }, UserAuthorities = { authorities },
                UserAuthoritiesRevision = revision,
            };
            return new AsyncUnaryCall<TResponse>(
                Task.FromResult((TResponse)answer), Task.FromResult(new Grpc.Core.Metadata()), () => Status.DefaultSuccess, () => [], () => { });
        }

        public override TResponse BlockingUnaryCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) => throw new NotSupportedException();

        public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) => throw new NotSupportedException();

        public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options) => throw new NotSupportedException();

        public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options) => throw new NotSupportedException();
    }

    /// <summary>A server's plan says what held when it was made; whoever has a key certified is told what holds now.</summary>
    [Fact]
    public async Task WhoSigns_IsAsNewAsTheLastCertificate()
    {
        var relay = new MetadataRelay();
        CallInvoker host = new Host(0);
        relay.Use(new Source(Document), () => host);
        Assert.Equal(["certified key"], await relay.CertifyAsync("uid", ["key"], default));
        Assert.Equal(Document, relay.Find("there"));
        host = new Host(3, "new", "old");
        await relay.CertifyAsync("uid", ["key"], default);
        Assert.Equal(["new", "old"], relay.Find("there")!.Login!.Authorities);
        Assert.Equal("uid:root", relay.Find("there")!.Login!.RootPrincipal);
        Assert.Null(relay.Find("elsewhere"));
        // Of two answers the later counts, whichever comes last; and a plan that is later than both.
        host = new Host(2, "stale");
        await relay.CertifyAsync("uid", ["key"], default);
        Assert.Equal(["new", "old"], relay.Find("there")!.Login!.Authorities);
        relay.Use(new Source(Document with { Login = Document.Login! with { Authorities = ["newest"], Revision = 4 } }), () => host);
        Assert.Equal(["newest"], relay.Find("there")!.Login!.Authorities);
        // Where nobody logs in by a certificate, nobody is told of one.
        relay.Use(new Source(Document with { Login = null }), () => host);
        Assert.Null(relay.Find("there")!.Login);
    }
}
