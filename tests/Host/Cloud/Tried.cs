using Google.Protobuf;
using Grpc.Core;
using Monolith.Agent.V1;
using Monolith.Compute.V1;
using Monolith.Dns.V1;
using Monolith.Identity.V1;
using Monolith.Image.V1;
using Monolith.Lb.V1;
using Monolith.Network.V1;
using Monolith.Protos;
using Monolith.Tests.Providers;

namespace Monolith.Host.Tests.Cloud;

/// <summary>
/// For every method that changes something, a request that would be served: of a project that nobody else touches, and
/// of things of the cloud that nobody else needs.
/// </summary>
public sealed class Tried(RunningHost host) : IAsyncLifetime
{
    /// <summary>In the name of everything that is tried.</summary>
    public const string Id = "tried";

    /// <summary>In the content of every change, by which it would be known.</summary>
    const string Mark = Id + "-and-left";

    const string Password = "a long enough one";

    const string P = "projects/" + Id, Empty = P + "-empty", Leaving = P + "-leaving", User = "users/" + Id, Hypervisor = "hypervisors/" + Id + "-hv",
        Balancer = "nodes/" + Id + "-lb", Provider = "identityProviders/" + Id;

    readonly Tenant tenant = new(Id);
    string token = "", binding = "", port = "", authority = "";
    StandInProvider provider = null!;

    public async ValueTask InitializeAsync()
    {
        await tenant.FillAsync(host);
        await tenant.CreateServerAsync(host, "s2");
        await tenant.CreateServerAsync(host, "s3");
        await tenant.CreateServerAsync(host, "s4");
        await Do("UpdateServer", new UpdateServerRequest
        {
            Server = new() { Name = P + "/servers/s3", UndeleteWindow = new() { Seconds = 3600 } },
        });
        await UntilAsync("s1", Server.Types.State.Ready);
        await UntilAsync("s2", Server.Types.State.Ready);
        await Do("StopServer", new StopServerRequest { Name = P + "/servers/s2" });
        await UntilAsync("s2", Server.Types.State.Stopped);
        port = ((ListPortsResponse)await Do("ListPorts", new ListPortsRequest
        {
            Parent = P,
            Filter = $"owner = \"{P}/servers/s2\"",
        })).Ports.Single().Name;
        await Do("AttachServerPort", new AttachServerPortRequest { Name = P + "/servers/s2", Network = P + "/networks/r1" });
        await Do("DeleteServer", new DeleteServerRequest { Name = P + "/servers/s3" });
        await UntilAsync("s3", Server.Types.State.SoftDeleted);
        await UntilAsync("s4", Server.Types.State.Ready);
        await Do("RescueServer", new RescueServerRequest { Name = P + "/servers/s4" });
        await UntilAsync("s4", Server.Types.State.Ready);
        await Do("CreateProject", new CreateProjectRequest { ProjectId = "tried-empty" });
        await Do("CreateProject", new CreateProjectRequest { ProjectId = "tried-leaving" });
        await Do("DeleteProject", new DeleteProjectRequest { Name = Leaving, Force = true });
        await Do("CreateFlavor", new CreateFlavorRequest
        {
            FlavorId = "tried",
            Flavor = new() { Vcpus = 1, MemoryMib = 64, DiskGib = 1 },
        });
        await Do("CreateAddressPool", new CreateAddressPoolRequest
        {
            AddressPoolId = "tried",
            AddressPool = new() { Prefixes = { "10.201.0.0/24" } },
        });
        await Do("CreateAddressPool", new CreateAddressPoolRequest
        {
            AddressPoolId = "tried-kept",
            AddressPool = new() { Prefixes = { "10.203.0.0/24" } },
        });
        await Do("CreateReservation", new CreateReservationRequest
        {
            Parent = "addressPools/tried-kept",
            ReservationId = "tried",
            Reservation = new() { Addresses = "10.203.0.8" },
        });
        await Do("CreateNetwork", new CreateNetworkRequest
        {
            Parent = P,
            NetworkId = "unused",
            Network = new() { AddressPools = { "addressPools/servers" } },
        });
        await Do("CreateImagePrewarm", new CreateImagePrewarmRequest
        {
            ImagePrewarmId = "tried",
            ImagePrewarm = new() { Image = P + "/images/r1", AvailabilityZone = "nowhere" },
        });
        await Do("CreateUser", new CreateUserRequest { UserId = "tried" });
        await Do("SetPassword", new SetPasswordRequest { Name = User, Password = Password });
        await Do("CreateDomain", new CreateDomainRequest { DomainId = "tried" });
        authority = ((CertificateAuthority)await Do("CreateCertificateAuthority", new CreateCertificateAuthorityRequest
        {
            CertificateAuthority = new() { Use = CertificateAuthority.Types.Use.Servers },
        })).Name;
        await Do("CreateGroup", new CreateGroupRequest { GroupId = "tried", Group = new() { Members = { "users/admin" } } });
        await Do("CreateRole", new CreateRoleRequest { RoleId = "tried", Role = new() { Permissions = { "compute.servers.get" } } });
        token = ((CreateTokenResponse)await Do("CreateToken", new CreateTokenRequest { Parent = User })).Token.Name;
        binding = ((RoleBinding)await Do("CreateRoleBinding", new CreateRoleBindingRequest
        {
            RoleBinding = new() { Member = User, Role = "roles/reader" },
        })).Name;
        provider = await StandInProvider.StartAsync();
        await Do("CreateIdentityProvider", new CreateIdentityProviderRequest
        {
            IdentityProviderId = Id,
            IdentityProvider = new() { Issuer = provider.Issuer, ClientId = StandInProvider.Client },
        });
        await LeaveAsync();
    }

    /// <summary>Machines that were here once: those that are connected cannot be deleted.</summary>
    async Task LeaveAsync()
    {
        using (var hypervisor = await host.JoinedAsync(Id + "-hv", NodeRole.Hypervisor))
        using (var call = new VmSyncService.VmSyncServiceClient(hypervisor).SyncVms(HelloHeader.Of(new Hello())))
            Assert.True(await call.ResponseStream.MoveNext(default));
        using (var balancer = await host.JoinedAsync(Id + "-lb", NodeRole.LoadBalancer))
        using (var call = new LoadBalancerSyncService.LoadBalancerSyncServiceClient(balancer)
            .SyncLoadBalancers(HelloHeader.Of(new Hello())))
            Assert.True(await call.ResponseStream.MoveNext(default));
        await RunningHost.UntilAsync(async () => (Hypervisor)await Do("GetHypervisor", new GetHypervisorRequest
        {
            Name = Hypervisor,
        }) is { State: Compute.V1.Hypervisor.Types.State.Down }, Hypervisor + " is down");
        await RunningHost.UntilAsync(async () => ((ListNodesResponse)await Do("ListNodes", new ListNodesRequest
        {
            PageSize = 1000,
        })).Nodes.Any(n => n is { Name: Balancer, State: Lb.V1.Node.Types.State.Down }), Balancer + " is down");
    }

    /// <summary>The messages of a call; null for a method that is not known here.</summary>
    public IMessage[]? Requests(string method) => method switch
    {
        "UploadImage" =>
        [
            new UploadImageRequest { Header = new() { Parent = P, ImageId = Mark } },
            new UploadImageRequest { Chunk = ByteString.CopyFrom(new byte[512]) },
        ],
        "ImportAddresses" =>
        [
            new ImportAddressesRequest { Header = new() },
            new ImportAddressesRequest
            {
                Chunk = ByteString.CopyFromUtf8($"kind,value,pool\nprefix,10.204.0.0/24,{Mark}\nreservation,10.204.0.9,\n"),
            },
        ],
        _ when Request(method) is { } request => [request],
        _ => null,
    };

    /// <summary>What would be refused, and how.</summary>
    public static IReadOnlyDictionary<string, (IMessage Request, StatusCode Code)> Refused { get; } =
        new Dictionary<string, (IMessage, StatusCode)>
        {
            ["CreateProject"] = (new CreateProjectRequest { ProjectId = Id }, StatusCode.AlreadyExists),
            ["DeleteProject"] = (new DeleteProjectRequest { Name = P }, StatusCode.FailedPrecondition),
            ["CreateServer"] = (CreateServer("s1"), StatusCode.AlreadyExists),
            ["UpdateServer"] = (new UpdateServerRequest
            {
                Server = new() { Name = P + "/servers/s1", Etag = "0", DisplayName = Mark },
            }, StatusCode.Aborted),
            ["StopServer"] = (new StopServerRequest { Name = P + "/servers/none" }, StatusCode.NotFound),
            ["MigrateServer"] = (new MigrateServerRequest { Name = P + "/servers/s2", TargetHypervisor = "hypervisors/none" },
                StatusCode.NotFound),
            ["SnapshotServer"] = (new SnapshotServerRequest { Name = P + "/servers/s1", ImageId = "r1" },
                StatusCode.AlreadyExists),
            ["CreateLoadBalancer"] = (new CreateLoadBalancerRequest
            {
                Parent = P,
                LoadBalancerId = "s1",
                LoadBalancer = new(),
            }, StatusCode.InvalidArgument),
            ["DeleteNetwork"] = (new DeleteNetworkRequest { Name = P + "/networks/r1" }, StatusCode.FailedPrecondition),
            ["EvacuateHypervisor"] = (new EvacuateHypervisorRequest { Name = "hypervisors/emulated1", Fenced = true },
                StatusCode.FailedPrecondition),
            ["DeleteHypervisor"] = (new DeleteHypervisorRequest { Name = "hypervisors/emulated1" },
                StatusCode.FailedPrecondition),
            ["DeleteRole"] = (new DeleteRoleRequest { Name = "roles/reader" }, StatusCode.FailedPrecondition),
            ["RevokeToken"] = (new RevokeTokenRequest { Name = User + "/tokens/none" }, StatusCode.NotFound),
        };

    static CreateServerRequest CreateServer(string id) => new()
    {
        Parent = P,
        ServerId = id,
        Server = new()
        {
            Flavor = "flavors/small",
            Image = P + "/images/r1",
            Networks = { new ServerNetwork { Network = P + "/networks/r1" } },
        },
    };

    IMessage? Request(string method) => method switch
    {
        "CreateServer" => CreateServer(Mark),
        "UpdateServer" => new UpdateServerRequest { Server = new() { Name = P + "/servers/s1", DisplayName = Mark } },
        "DeleteServer" => new DeleteServerRequest { Name = P + "/servers/s1" },
        "StartServer" => new StartServerRequest { Name = P + "/servers/s2" },
        "StopServer" => new StopServerRequest { Name = P + "/servers/s1" },
        "RestartServer" => new RestartServerRequest { Name = P + "/servers/s1" },
        "ResizeServer" => new ResizeServerRequest { Name = P + "/servers/s2", Flavor = "flavors/tried" },
        "RebuildServer" => new RebuildServerRequest { Name = P + "/servers/s2" },
        "SnapshotServer" => new SnapshotServerRequest { Name = P + "/servers/s1", ImageId = Mark },
        "RescueServer" => new RescueServerRequest { Name = P + "/servers/s1" },
        "UnrescueServer" => new UnrescueServerRequest { Name = P + "/servers/s4" },
        "AttachServerPort" => new AttachServerPortRequest { Name = P + "/servers/s1", Network = P + "/networks/r1" },
        "DetachServerPort" => new DetachServerPortRequest { Name = P + "/servers/s2", Port = port },
        "UndeleteServer" => new UndeleteServerRequest { Name = P + "/servers/s3" },
        "MigrateServer" => new MigrateServerRequest { Name = P + "/servers/s1" },
        "AbortMigration" => new AbortMigrationRequest { Name = P + "/servers/s1" },
        "CreateFlavor" => new CreateFlavorRequest
        {
            FlavorId = Mark,
            Flavor = new() { Vcpus = 1, MemoryMib = 64, DiskGib = 1 },
        },
        "UpdateFlavor" => new UpdateFlavorRequest { Flavor = new() { Name = "flavors/tried", DisplayName = Mark } },
        "DeleteFlavor" => new DeleteFlavorRequest { Name = "flavors/tried" },
        "UpdateHypervisor" => new UpdateHypervisorRequest
        {
            Hypervisor = new() { Name = Hypervisor, Labels = { ["mark"] = Mark } },
        },
        "DeleteHypervisor" => new DeleteHypervisorRequest { Name = Hypervisor },
        "EvacuateHypervisor" => new EvacuateHypervisorRequest { Name = Hypervisor, Fenced = true },
        "AbortEvacuation" => new AbortEvacuationRequest { Name = Hypervisor },
        "CreateImagePrewarm" => new CreateImagePrewarmRequest
        {
            ImagePrewarmId = Mark,
            ImagePrewarm = new() { Image = P + "/images/r1", AvailabilityZone = "nowhere" },
        },
        "DeleteImagePrewarm" => new DeleteImagePrewarmRequest { Name = "imagePrewarms/tried" },
        "CreateKeyPair" => new CreateKeyPairRequest
        {
            Parent = P,
            KeyPairId = Mark,
            KeyPair = new() { PublicKey = Tenant.PublicKey },
        },
        "CreateLoginCertificate" => new CreateLoginCertificateRequest
        {
            Parent = P + "/servers/s1",
            LoginCertificate = new() { PublicKey = Tenant.PublicKey },
        },
        "CreateServerGroup" => new CreateServerGroupRequest
        {
            Parent = P,
            ServerGroupId = Mark,
            ServerGroup = new() { Policy = ServerGroup.Types.Policy.Affinity },
        },
        "DeleteServerGroup" => new DeleteServerGroupRequest { Name = P + "/serverGroups/r1" },
        "DeleteKeyPair" => new DeleteKeyPairRequest { Name = P + "/keyPairs/r1" },
        "ImportImage" => new ImportImageRequest { Parent = P, ImageId = Mark, Url = "http://127.0.0.1:9/disk" },
        "UpdateImage" => new UpdateImageRequest { Image = new() { Name = P + "/images/r1", DisplayName = Mark } },
        "DeleteImage" => new DeleteImageRequest { Name = P + "/images/r1" },
        _ => Network(method) ?? Identity(method) ?? Names(method),
    };

    static IMessage? Network(string method) => method switch
    {
        "CreateAddressPool" => new CreateAddressPoolRequest
        {
            AddressPoolId = Mark,
            AddressPool = new() { Prefixes = { "10.202.0.0/24" } },
        },
        "UpdateAddressPool" => new UpdateAddressPoolRequest
        {
            AddressPool = new() { Name = "addressPools/tried", DisplayName = Mark },
        },
        "DeleteAddressPool" => new DeleteAddressPoolRequest { Name = "addressPools/tried" },
        "CreateReservation" => new CreateReservationRequest
        {
            Parent = "addressPools/tried-kept",
            ReservationId = Mark,
            Reservation = new() { Addresses = "10.203.0.9" },
        },
        "DeleteReservation" => new DeleteReservationRequest { Name = "addressPools/tried-kept/reservations/tried" },
        "CreateNetwork" => new CreateNetworkRequest
        {
            Parent = P,
            NetworkId = Mark,
            Network = new() { AddressPools = { "addressPools/servers" } },
        },
        "UpdateNetwork" => new UpdateNetworkRequest { Network = new() { Name = P + "/networks/r1", DisplayName = Mark } },
        "DeleteNetwork" => new DeleteNetworkRequest { Name = P + "/networks/unused" },
        "CreatePort" => new CreatePortRequest { Parent = P, PortId = Mark, Port = new() { Network = P + "/networks/r1" } },
        "UpdatePort" => new UpdatePortRequest { Port = new() { Name = P + "/ports/r1", Labels = { ["mark"] = Mark } } },
        "DeletePort" => new DeletePortRequest { Name = P + "/ports/r1" },
        "CreateAddressSet" => new CreateAddressSetRequest { Parent = P, AddressSetId = Mark, AddressSet = new() },
        "UpdateAddressSet" => new UpdateAddressSetRequest
        {
            AddressSet = new() { Name = P + "/addressSets/r1", DisplayName = Mark },
        },
        "DeleteAddressSet" => new DeleteAddressSetRequest { Name = P + "/addressSets/r1" },
        "CreateFloatingAddress" => new CreateFloatingAddressRequest { Parent = P, FloatingAddressId = Mark },
        "UpdateFloatingAddress" => new UpdateFloatingAddressRequest
        {
            FloatingAddress = new() { Name = P + "/floatingAddresses/r1", Labels = { ["mark"] = Mark } },
        },
        "DeleteFloatingAddress" => new DeleteFloatingAddressRequest { Name = P + "/floatingAddresses/r1" },
        "CreateSecurityGroup" => new CreateSecurityGroupRequest
        {
            Parent = P,
            SecurityGroupId = Mark,
            SecurityGroup = new(),
        },
        "UpdateSecurityGroup" => new UpdateSecurityGroupRequest
        {
            SecurityGroup = new() { Name = P + "/securityGroups/r1", DisplayName = Mark },
        },
        "DeleteSecurityGroup" => new DeleteSecurityGroupRequest { Name = P + "/securityGroups/r1" },
        _ => null,
    };

    IMessage? Identity(string method) => method switch
    {
        "CreateProject" => new CreateProjectRequest { ProjectId = Mark },
        "UpdateProject" => new UpdateProjectRequest { Project = new() { Name = P, DisplayName = Mark } },
        "DeleteProject" => new DeleteProjectRequest { Name = Empty },
        "UndeleteProject" => new UndeleteProjectRequest { Name = Leaving },
        "UpdateQuota" => new UpdateQuotaRequest { Quota = new() { Name = P + "/quota", Limits = { ["zones"] = 4711 } } },
        "CreateUser" => new CreateUserRequest { UserId = Mark },
        "UpdateUser" => new UpdateUserRequest { User = new() { Name = User, DisplayName = Mark } },
        "DeleteUser" => new DeleteUserRequest { Name = User },
        "SetPassword" => new SetPasswordRequest { Name = User, Password = Password + " anew" },
        "CreateSession" => new CreateSessionRequest { Parent = User, Password = Password, DisplayName = Mark },
        "CreateDomain" => new CreateDomainRequest { DomainId = Mark },
        "UpdateDomain" => new UpdateDomainRequest { Domain = new() { Name = "domains/tried", DisplayName = Mark } },
        "DeleteDomain" => new DeleteDomainRequest { Name = "domains/tried" },
        "CreateCertificateAuthority" => new CreateCertificateAuthorityRequest
        {
            CertificateAuthority = new() { Use = CertificateAuthority.Types.Use.Logins },
        },
        "ActivateCertificateAuthority" => new ActivateCertificateAuthorityRequest { Name = authority },
        "DeleteCertificateAuthority" => new DeleteCertificateAuthorityRequest { Name = authority },
        "CreateGroup" => new CreateGroupRequest { GroupId = Mark, Group = new() { Members = { User } } },
        "UpdateGroup" => new UpdateGroupRequest { Group = new() { Name = "groups/tried", DisplayName = Mark } },
        "AddGroupMembers" => new AddGroupMembersRequest { Name = "groups/tried", Members = { User } },
        "RemoveGroupMembers" => new RemoveGroupMembersRequest { Name = "groups/tried", Members = { "users/admin" } },
        "DeleteGroup" => new DeleteGroupRequest { Name = "groups/tried" },
        "CreateServiceAccount" => new CreateServiceAccountRequest { Parent = P, ServiceAccountId = Mark },
        "UpdateServiceAccount" => new UpdateServiceAccountRequest
        {
            ServiceAccount = new() { Name = P + "/serviceAccounts/r1", DisplayName = Mark },
        },
        "DeleteServiceAccount" => new DeleteServiceAccountRequest { Name = P + "/serviceAccounts/r1" },
        "CreateRole" => new CreateRoleRequest { RoleId = Mark, Role = new() { Permissions = { "compute.servers.get" } } },
        "UpdateRole" => new UpdateRoleRequest { Role = new() { Name = "roles/tried", Description = Mark } },
        "DeleteRole" => new DeleteRoleRequest { Name = "roles/tried" },
        "CreateToken" => new CreateTokenRequest { Parent = User, Token = new() { DisplayName = Mark } },
        "RevokeToken" => new RevokeTokenRequest { Name = token },
        "CreateJoinToken" => new CreateJoinTokenRequest { NodeId = Mark, Role = NodeRole.Hypervisor },
        "CreateRoleBinding" => new CreateRoleBindingRequest
        {
            RoleBinding = new() { Member = User, Role = "roles/member", Scope = P },
        },
        "DeleteRoleBinding" => new DeleteRoleBindingRequest { Name = binding },
        "CreateIdentityProvider" => new CreateIdentityProviderRequest
        {
            IdentityProviderId = Mark,
            IdentityProvider = new() { Issuer = "https://login.example.com", ClientId = Mark },
        },
        "UpdateIdentityProvider" => new UpdateIdentityProviderRequest { IdentityProvider = new() { Name = Provider, DisplayName = Mark } },
        "DeleteIdentityProvider" => new DeleteIdentityProviderRequest { Name = Provider },
        "ExchangeIdToken" => new ExchangeIdTokenRequest
        {
            Name = Provider,
            IdToken = provider.Token(DateTimeOffset.UtcNow, c => c["preferred_username"] = Mark),
        },
        _ => null,
    };

    static IMessage? Names(string method) => method switch
    {
        "CreateZone" => new CreateZoneRequest { Parent = P, ZoneId = Mark, Zone = new() { Domain = Mark + ".example" } },
        "UpdateZone" => new UpdateZoneRequest { Zone = new() { Name = P + "/zones/r1", Labels = { ["mark"] = Mark } } },
        "DeleteZone" => new DeleteZoneRequest { Name = P + "/zones/r1" },
        "CreateRecordSet" => new CreateRecordSetRequest
        {
            Parent = P + "/zones/r1",
            RecordSet = new() { Domain = Mark, Type = "A", Values = { "192.0.2.1" } },
        },
        "UpdateRecordSet" => new UpdateRecordSetRequest
        {
            RecordSet = new() { Name = P + "/zones/r1/recordSets/r1.A", TtlSeconds = 4711 },
        },
        "DeleteRecordSet" => new DeleteRecordSetRequest { Name = P + "/zones/r1/recordSets/r1.A" },
        "CreateLoadBalancer" => new CreateLoadBalancerRequest
        {
            Parent = P,
            LoadBalancerId = Mark,
            LoadBalancer = new(),
        },
        "UpdateLoadBalancer" => new UpdateLoadBalancerRequest
        {
            LoadBalancer = new() { Name = P + "/loadBalancers/r1", DisplayName = Mark },
        },
        "DeleteLoadBalancer" => new DeleteLoadBalancerRequest { Name = P + "/loadBalancers/r1" },
        "DeleteNode" => new DeleteNodeRequest { Name = Balancer },
        _ => null,
    };

    public ValueTask DisposeAsync() => provider.DisposeAsync();

    async Task<IMessage> Do(string method, IMessage request)
    {
        var answer = await host.Api.CallAsync(Methods.All.Single(m => m.Descriptor.Name == method).Descriptor, host.Token,
            request);
        return answer.Response ?? throw new InvalidOperationException($"{method}: {answer}");
    }

    Task UntilAsync(string server, Server.Types.State state) => RunningHost.UntilAsync(async () =>
        ((Server)await Do("GetServer", new GetServerRequest { Name = $"{P}/servers/{server}" })) is
        { Reconciling: false } now && now.State == state, $"{server} is {state}");
}
