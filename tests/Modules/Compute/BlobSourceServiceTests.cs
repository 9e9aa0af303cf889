using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using Monolith.Agent.V1;
using Monolith.Compute.Vms;
using Monolith.Identity.Contracts;
using Monolith.Modules.Tests.Calls;
using Monolith.Platform.Calls;
using Monolith.Protos;
using BlobSourceService = Monolith.Compute.Vms.BlobSourceService;

namespace Monolith.Modules.Tests.Compute;

/// <summary>A node is sent to who has what it may read, with a ticket that says so.</summary>
public sealed class BlobSourceServiceTests : IDisposable
{
    static readonly string Blob = new('b', 64);

    readonly Authority authority = new();
    readonly FakeTimeProvider time = new(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero));

    sealed class Authority : IHostCertificates
    {
        public ECDsa Key { get; } = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        public IReadOnlyList<X509Certificate2> Trusted => throw new NotSupportedException();

        public X509Certificate2 AuthorityFor(string? serverName) => throw new NotSupportedException();

        public X509Certificate2 IssueServerCertificate(X509Certificate2 authority, IEnumerable<string> names) => throw new NotSupportedException();

        public byte[] Sign(byte[] data) => Key.SignData(data, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
    }

    public void Dispose() => authority.Key.Dispose();

    static VmRow Vm(string node, VmState state, VmPower power = VmPower.Running) => new()
    {
        ServerUid = Guid.NewGuid(),
        ServerName = "projects/p/servers/" + node,
        Hypervisor = node,
        ImageSha256 = Blob,
        Plan = [],
        State = state,
        Power = power,
    };

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task ANode_IsSentToOneThatHasIt_WithATicketForThat(string provider)
    {
        await using var store = await ComputeStore.OpenAsync(provider);
        await store.Store.WriteAsync(Call.Of("test"), unit =>
        {
            unit.Db.Vms.AddRange(Vm("reader", VmState.Working), Vm("holder", VmState.Running), Vm("fetching", VmState.Working),
                Vm("leaving", VmState.Stopped, VmPower.Absent));
            return Task.CompletedTask;
        }, default);
        var sources = new BlobSources(time);
        var service = new BlobSourceService(store.Store, sources, authority, time);
        foreach (var node in new[] { "reader", "holder", "fetching", "other" }) sources.Connected(node, "192.0.2.1:49664");

        var peer = (await service.FindBlobSource(new() { Sha256 = Blob }, new FakeCall(caller: "nodes/reader"))).Peer;
        Assert.Equal(("holder", "192.0.2.1:49664"), (peer.Node, peer.Address));
        Assert.Equal(new BlobTicket
        {
            Sha256 = Blob,
            ReaderNode = "reader",
            ServerNode = "holder",
            ExpireTimeSeconds = (time.GetUtcNow() + TimeSpan.FromMinutes(2)).ToUnixTimeSeconds(),
        }, BlobTicket.Parser.ParseFrom(peer.Ticket));
        Assert.True(authority.Key.VerifyData(SignedTicket.Of(peer.Ticket.Span), peer.Signature.Span, HashAlgorithmName.SHA256,
            DSASignatureFormat.Rfc3279DerSequence));

        // Who did not give it is not named again; the host is left.
        var host = await service.FindBlobSource(new() { Sha256 = Blob, FailedNodes = { "holder" } }, new FakeCall(caller: "nodes/reader"));
        Assert.Equal(FindBlobSourceResponse.SourceOneofCase.None, host.SourceCase);

        // Who has read it is one more who has it.
        await service.ReportBlobRead(new() { Sha256 = Blob, Node = "holder", Complete = true }, new FakeCall(caller: "nodes/reader"));
        var second = await service.FindBlobSource(new() { Sha256 = Blob, FailedNodes = { "holder" } }, new FakeCall(caller: "nodes/fetching"));
        Assert.Equal("reader", second.Peer.Node);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task ANode_IsToldNothing_OfWhatIsNotForItsVms_AndIsNotBelieved(string provider)
    {
        await using var store = await ComputeStore.OpenAsync(provider);
        await store.Store.WriteAsync(Call.Of("test"), unit =>
        {
            unit.Db.Vms.AddRange(Vm("reader", VmState.Working), Vm("leaving", VmState.Working, VmPower.Absent));
            return Task.CompletedTask;
        }, default);
        var sources = new BlobSources(time);
        var service = new BlobSourceService(store.Store, sources, authority, time);
        foreach (var node in new[] { "other", "leaving" })
        {
            sources.Connected(node, "192.0.2.1:49664");
            await Expect.FaultAsync(StatusCode.NotFound, "RESOURCE_NOT_FOUND",
                () => service.FindBlobSource(new() { Sha256 = Blob }, new FakeCall(caller: "nodes/" + node)));
            await service.ReportBlobRead(new() { Sha256 = Blob, Complete = true }, new FakeCall(caller: "nodes/" + node));
        }
        await Expect.FaultAsync(StatusCode.NotFound, "RESOURCE_NOT_FOUND",
            () => service.FindBlobSource(new() { Sha256 = "" }, new FakeCall(caller: "nodes/reader")));
        // Nobody who said so has it.
        Assert.Equal(FindBlobSourceResponse.SourceOneofCase.None,
            (await service.FindBlobSource(new() { Sha256 = Blob }, new FakeCall(caller: "nodes/reader"))).SourceCase);
    }
}
