using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using Monolith.Agent.V1;
using Monolith.Compute.Logins;
using Monolith.Compute.Servers;
using Monolith.Compute.Vms;
using Monolith.Identity.Contracts;
using Monolith.Modules.Tests.Calls;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using HostKeyService = Monolith.Compute.Logins.HostKeyService;

namespace Monolith.Modules.Tests.Compute;

/// <summary>Host keys are certified for the hypervisor that the server is at.</summary>
public sealed class HostKeyTests
{
    const string Key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    /// <summary>Signs nothing, and keeps what it was to sign.</summary>
    sealed class Authority : ILoginAuthority
    {
        public List<SshCertificateOrder> Orders { get; } = [];

        public IReadOnlyList<SshPublicKey> UserKeys => [SshPublicKey.Parse(Key)];

        public long UserKeysRevision => 1;

        public IReadOnlyList<SshPublicKey> HostKeys => UserKeys;

        public string CertifyUser(SshCertificateOrder order) => throw new InvalidOperationException("It is no user.");

        public string CertifyHost(SshCertificateOrder order)
        {
            Orders.Add(order);
            return "certificate";
        }
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task OfItsOwnGuest_AndOfNoOther_AHypervisorHasHostKeysCertified(string provider)
    {
        await using var store = await ComputeStore.OpenAsync(provider);
        var (authority, time) = (new Authority(), new FakeTimeProvider());
        var service = new HostKeyService(store.Store, authority, time);
        var server = new ServerRow
        {
            Name = "projects/demo/servers/web1",
            Project = "demo",
            Flavor = "flavors/small",
            Image = "projects/demo/images/debian",
            ImageSha256 = new string('0', 64),
            ImageFormat = "raw",
            Hostname = "web1",
            DnsName = "web1.demo.example.",
            Detail = new([], [], []),
        };
        await store.Store.WriteAsync(Call.Of("test"), unit =>
        {
            unit.Db.Servers.Add(server);
            unit.Db.Vms.Add(Vm(server, "hv1", VmRole.Current, VmPower.Running));
            unit.Db.Vms.Add(Vm(server, "hv2", VmRole.Incoming, VmPower.Running));
            unit.Db.Vms.Add(Vm(server, "hv3", VmRole.Left, VmPower.Absent));
            unit.Db.Vms.Add(Vm(server, "hv4", VmRole.Fenced, VmPower.Absent));
            return Task.FromResult(true);
        }, CancellationToken.None);
        var request = new CertifyHostKeysRequest { InstanceId = server.Uid.ToString(), PublicKeys = { Key, Key } };

        var answer = await service.CertifyHostKeys(request, As("nodes/hv1"));

        Assert.Equal(["certificate", "certificate"], answer.Certificates);
        Assert.All(authority.Orders, o => Assert.Equal([server.Uid.ToString(), "web1.demo.example"], o.Principals));
        Assert.All(authority.Orders, o => Assert.Equal(TimeSpan.FromDays(90), o.NotAfter - time.GetUtcNow().UtcDateTime));
        foreach (var other in new[] { "nodes/hv2", "nodes/hv3", "nodes/hv4", "nodes/hv5", "users/admin" })
            Assert.Equal(StatusCode.NotFound, (await Assert.ThrowsAsync<Fault>(() => service.CertifyHostKeys(request, As(other)))).Code);
        Assert.Equal(2, authority.Orders.Count);
    }

    static FakeCall As(string caller) => FakeCall.By(new Caller(caller, []));

    static VmRow Vm(ServerRow server, string hypervisor, VmRole role, VmPower power) => new()
    {
        ServerUid = server.Uid,
        ServerName = server.Name,
        Hypervisor = hypervisor,
        ImageSha256 = server.ImageSha256,
        Plan = [],
        Role = role,
        Power = power,
    };
}
