using Monolith.Compute.V1;
using Monolith.Dns.V1;
using Monolith.Identity.V1;
using Monolith.Image.V1;
using Monolith.Lb.V1;
using Monolith.Network.V1;

namespace Monolith.Cli.Nouns;

/// <summary>
/// Every noun of the command. Fields refer to other nouns by function, so that the order of the table is free.
/// </summary>
internal static class Catalog
{
    /// <summary>In the order in which help lists them.</summary>
    public static IReadOnlyList<Noun> All =>
    [
        Server, ServerGroup, Image, Flavor, AvailabilityZone, KeyPair, Network, Port, SecurityGroup, AddressSet,
        FloatingAddress, LoadBalancer, Zone, Record,
        Project, Domain, User, Group, ServiceAccount, IdentityProvider, Token, Role, RoleBinding, Authority, Hypervisor, Prewarm, Node, Pool, Reservation, FabricPeer, FabricBreach,
    ];

    public static Noun Server { get; } = ServerCommands.Noun;

    public static Noun Image { get; } = ImageCommands.Noun;

    public static Noun SecurityGroup { get; } = SecurityGroupCommands.Noun;

    public static Noun LoadBalancer { get; } = LoadBalancerCommands.Noun;

    public static Noun Record { get; } = RecordCommands.Noun;

    public static Noun Role { get; } = new("role", Place.Cloud, RoleService.Descriptor, Identity.V1.Role.Descriptor)
    {
        About = "What can be bound to users, service accounts and groups, and what each gives.",
        Aliases = ["roles"],
        Columns = [Column.Name, Column.Of("BUILT IN", "built_in"), Column.Of("FOR", "description"), Column.Age],
        Fields =
        [
            new("--permission", "permissions", "What it holds: compute.servers.create.")
            {
                Required = true, Mutable = true, Value = "PERMISSION",
            },
            new("--description", "description", "Whom it is for.") { Mutable = true, Value = "TEXT" },
        ],
    };

    public static Noun Token { get; } = TokenCommands.Noun;

    public static Noun Domain { get; } = new("domain", Place.Cloud, DomainService.Descriptor, Identity.V1.Domain.Descriptor)
    {
        About = "The parts of an organisation: a role on one counts for all of its projects.",
        Aliases = ["domains"],
        Columns = [Column.Name, Column.Of("DISPLAY NAME", "display_name"), Column.Of("LABELS", "labels"), Column.Age],
        Fields = [Fields.DisplayName, Fields.Labels],
    };

    public static Noun Group { get; } = GroupCommands.Noun;

    public static Noun ServiceAccount { get; } = new(
        "service-account", Place.Project, ServiceAccountService.Descriptor, Identity.V1.ServiceAccount.Descriptor)
    {
        About = "Programs that call: they stay when the person goes who set them up.",
        Aliases = ["service-accounts", "sa"],
        Columns = [Column.Name, Column.Of("FOR", "display_name"), Column.Of("DISABLED", "disabled"), Column.Of("LABELS", "labels"), Column.Age],
        Fields =
        [
            Fields.DisplayName,
            new("--disabled", "disabled", "Refuse its calls.") { Mutable = true },
            Fields.Labels,
        ],
    };

    public static Noun Authority { get; } = AuthorityCommands.Noun;

    public static Noun Hypervisor { get; } = HypervisorCommands.Noun;

    public static Noun Prewarm { get; } = ImagePrewarmCommands.Noun;

    public static Noun Node { get; } = new("node", Place.Cloud, Lb.V1.NodeService.Descriptor, Lb.V1.Node.Descriptor)
    {
        About = "Load-balancer nodes, and the tokens by which machines join.",
        Aliases = ["nodes"],
        Columns =
        [
            Column.Name, Column.State(), Column.Of("HOLDS", "held_addresses"), Column.Of("AGENT", "agent_version"),
            Column.Age,
        ],
        Extra = (_, app) => [Commands.NodeCommands.Token(app)],
    };

    public static Noun FabricPeer { get; } = new(
        "fabric-peer", Place.Cloud, FabricPeerService.Descriptor, Monolith.Network.V1.FabricPeer.Descriptor)
    {
        About = "BGP sessions between nodes and their ToRs, as the nodes see them.",
        Aliases = ["fabric-peers", "peer"],
        Columns =
        [
            Column.Name, Column.State(), Column.Enum("BFD", "bfd"), Column.Of("NEIGHBOR", "neighbor"),
            Column.Number("LOST 1H", "loss_count"), Column.Of("FLAPPING", "flapping"), Column.Of("LAST ERROR", "last_error"),
            Column.Age,
        ],
    };

    public static Noun FabricBreach { get; } = new(
        "fabric-breach", Place.Cloud, FabricBreachService.Descriptor, Monolith.Network.V1.FabricBreach.Descriptor)
    {
        About = "What is wrong with the fabric, and what was within the hour: shared segments, lost next hops, spoofable paths, "
            + "addresses with two owners.",
        Aliases = ["fabric-breaches", "breach"],
        Columns =
        [
            Column.Name, Column.State(), Column.Enum("INVARIANT", "invariant"), Column.Of("PORT", "port"), Column.Of("MESSAGE", "message"),
            Column.Age,
        ],
    };

    public static Noun Flavor { get; } = new(
        "flavor", Place.Cloud, FlavorService.Descriptor, Compute.V1.Flavor.Descriptor)
    {
        About = "Sizes of servers.",
        Aliases = ["flavors"],
        Columns =
        [
            Column.Name, Column.Number("VCPUS", "vcpus"), Column.Number("MEMORY MIB", "memory_mib"),
            Column.Number("DISK GIB", "disk_gib"), Column.Of("NEEDS", "required_traits"), Column.Age,
        ],
        Fields =
        [
            new("--vcpus", "vcpus", "Virtual processors.") { Required = true, Value = "N" },
            new("--memory", "memory_mib", "Memory: 512MiB, 2GiB; MiB without a unit.")
            {
                Required = true, Value = "SIZE", Parse = Sizes.Mib,
            },
            new("--disk", "disk_gib", "Disk: 10GiB, 1TiB; GiB without a unit.")
            {
                Required = true, Value = "SIZE", Parse = Sizes.Gib,
            },
            new("--require", "required_traits", "A trait that hypervisors must have.") { Value = "TRAIT" },
            new("--forbid", "forbidden_traits", "A trait that hypervisors must not have.") { Value = "TRAIT" },
            new("--placement", "placement", "Where most is free, or where least is. Default: spread."),
            Fields.DisplayName, Fields.Labels,
        ],
    };

    public static Noun AvailabilityZone { get; } = new(
        "availability-zone", Place.Cloud, AvailabilityZoneService.Descriptor, Compute.V1.AvailabilityZone.Descriptor)
    {
        About = "Where servers can be told to run.",
        Aliases = ["availability-zones", "az"],
        Columns = [Column.Name, Column.Of("TAKES SERVERS", "accepts_servers")],
    };

    public static Noun ServerGroup { get; } = new(
        "server-group", Place.Project, ServerGroupService.Descriptor, Compute.V1.ServerGroup.Descriptor)
    {
        About = "Which servers run near each other, and which apart.",
        Aliases = ["server-groups"],
        Columns =
        [
            Column.Name, Column.Enum("POLICY", "policy"), Column.Of("ACROSS", "topology_label"),
            Column.Number("SERVERS", "server_count"), Column.Age,
        ],
        Fields =
        [
            new("--policy", "policy", "Together or apart; soft: as far as there is room.") { Required = true },
            new("--across", "topology_label", "A label of hypervisors, such as rack. Default: each hypervisor for itself.")
            {
                Value = "LABEL",
            },
        ],
    };

    public static Noun KeyPair { get; } = new(
        "keypair", Place.Project, KeyPairService.Descriptor, Compute.V1.KeyPair.Descriptor)
    {
        About = "SSH keys that servers are given.",
        Aliases = ["keypairs", "key"],
        Columns = [Column.Name, Column.Of("FINGERPRINT", "fingerprint"), Column.Age],
        Fields =
        [
            new("--public-key", "public_key", "A file like ~/.ssh/id_ed25519.pub, - for standard input, or the key.")
            {
                Required = true, Value = "FILE", Parse = Fields.PublicKey,
            },
        ],
    };

    public static Noun Pool { get; } = PoolCommands.Noun;

    public static Noun Reservation { get; } = PoolCommands.Reservation;

    public static Noun AddressSet { get; } = AddressNouns.Set;

    public static Noun FloatingAddress { get; } = AddressNouns.Floating;

    public static Noun Network { get; } = new(
        "network", Place.Project, NetworkService.Descriptor, Monolith.Network.V1.Network.Descriptor)
    {
        About = "Policies for servers' ports: from which pools, with which groups.",
        Aliases = ["networks"],
        Columns =
        [
            Column.Name, Column.Reference("POOLS", "address_pools"), Column.Number("MTU", "mtu"),
            Column.Reference("SECURITY GROUPS", "security_groups"), Column.Age,
        ],
        Fields =
        [
            new("--pool", "address_pools", "A pool to take addresses from.")
            {
                Required = true, Value = "POOL", Refers = () => Pool,
            },
            new("--mtu", "mtu", "Bytes; default 1500.") { Mutable = true, Value = "N" },
            new("--dns-server", "dns_servers", "A resolver that guests are told of.")
            {
                Mutable = true, Value = "ADDRESS",
            },
            new("--security-group", "security_groups", "A group of ports that name none.")
            {
                Mutable = true, Value = "GROUP", Alias = "--sg", Refers = () => SecurityGroup,
            },
            new("--nat-pool", "nat_address_pool", "Servers without a floating address go out with one of this pool's.")
            {
                Mutable = true, Value = "POOL", Refers = () => Pool,
            },
            Fields.DisplayName, Fields.Labels,
        ],
    };

    public static Noun Port { get; } = new(
        "port", Place.Project, PortService.Descriptor, Monolith.Network.V1.Port.Descriptor)
    {
        About = "Servers' places in the fabric.",
        Aliases = ["ports"],
        Columns =
        [
            Column.Name, Column.State(), Column.Of("ADDRESSES", "addresses"), Column.Of("FLOATING", "floating_addresses"),
            Column.Of("MAC", "mac_address"),
            Column.Reference("OWNER", "owner"), Column.Reference("HYPERVISOR", "hypervisor"), Column.Age,
        ],
        Fields =
        [
            new("--network", "network", "The network.") { Required = true, Value = "NETWORK", Refers = () => Network },
            new("--address", "addresses", "An address; 0.0.0.0 or :: for any one. On update, all of them anew. Default: any.")
            {
                Mutable = true, Value = "ADDRESS",
            },
            new("--allow-from", "allowed_prefixes", "A prefix that the server may send from beside its addresses.")
            {
                Mutable = true, Value = "CIDR",
            },
            new("--egress-rate", "egress_bits_per_second", "What it may send: 100M, 1G bits per second. 0: no limit.")
            {
                Mutable = true, Value = "RATE", Parse = Rates.Bits,
            },
            new("--ingress-rate", "ingress_bits_per_second", "What it may be sent. 0: no limit.")
            {
                Mutable = true, Value = "RATE", Parse = Rates.Bits,
            },
            new("--security-group", "security_groups", "A group. Default: the network's.")
            {
                Mutable = true, Value = "GROUP", Alias = "--sg", Refers = () => SecurityGroup,
            },
            Fields.Labels,
        ],
    };

    public static Noun Zone { get; } = new(
        "zone", Place.Project, ZoneService.Descriptor, Monolith.Dns.V1.Zone.Descriptor)
    {
        About = "DNS zones.",
        Aliases = ["zones"],
        Columns =
        [
            Column.Name, Column.Of("DOMAIN", "domain"), Column.Number("TTL", "default_ttl_seconds"),
            Column.Number("SERIAL", "serial"), Column.Age,
        ],
        Fields =
        [
            new("--domain", "domain", "The domain, without the trailing dot.") { Required = true, Value = "DOMAIN" },
            new("--ttl", "default_ttl_seconds", "Seconds, for records that name none.") { Mutable = true, Value = "N" },
            new("--contact", "contact", "Mailbox of the SOA record.") { Mutable = true, Value = "MAILBOX" },
            Fields.Labels,
        ],
    };

    public static Noun Project { get; } = ProjectCommands.Noun;

    public static Noun User { get; } = new(
        "user", Place.Cloud, UserService.Descriptor, Identity.V1.User.Descriptor)
    {
        About = "People who call.",
        Aliases = ["users"],
        Columns =
        [
            Column.Name, Column.Of("DISPLAY NAME", "display_name"), Column.Of("EMAIL", "email"),
            Column.Of("DISABLED", "disabled"), Column.Age,
        ],
        Fields =
        [
            Fields.DisplayName,
            new("--email", "email", "Where to reach it.") { Mutable = true, Value = "MAILBOX" },
            new("--disabled", "disabled", "Refuse its calls.") { Mutable = true },
            new("--identity-provider", "identity_provider", "By which it signs in; with --subject.")
            {
                Mutable = true, Value = "PROVIDER", Parse = IdentityProviderCommands.ReferAsync,
            },
            new("--subject", "subject", "Who it is there: the `sub` of that provider's tokens.") { Mutable = true, Value = "SUBJECT" },
        ],
        Extra = (noun, app) => [PasswordCommands.Set(noun, app)],
    };

    public static Noun IdentityProvider { get; } = IdentityProviderCommands.Noun;

    public static Noun RoleBinding { get; } = new(
        "role-binding", Place.Cloud, RoleBindingService.Descriptor, Identity.V1.RoleBinding.Descriptor)
    {
        About = "Who may do what, where.",
        Aliases = ["role-bindings", "binding"],
        Columns =
        [
            Column.Name, Column.Reference("ROLE", "role"), MemberSyntax.Column("MEMBER", "member"),
            new("SCOPE", (message, _) => Api.Messages.Text(message, "scope") is { Length: > 0 } scope
                ? scope.Count(c => c == '/') == 1 ? Names.Id(scope) : scope["projects/".Length..]
                : "(cloud)"),
            Column.Of("FOR", "resource_labels"),
            Column.Age,
        ],
        Fields =
        [
            new("--role", "role", "admin, operator, domainAdmin, projectAdmin, member, reader, or one of your own: `monolith role list`.")
            {
                Required = true, Value = "ROLE", Refers = () => Role,
            },
            new("--member", "member", "Who gets it.")
            {
                Required = true, Value = MemberSyntax.Form, Alias = "--user", Parse = MemberSyntax.ParseAsync, Completes = MemberSyntax.Completions,
            },
            new("--scope", "scope", "The project; `cloud` for all of them; domains/DOMAIN; or a single resource by its full name.")
            {
                Required = true, Value = "PROJECT|cloud|NAME", Parse = Fields.Scope, Completes = Fields.Scopes,
            },
            new("--if", "resource_labels", "Only for what has this label in the project.") { Value = "KEY=VALUE" },
        ],
        IsSame = (one, other) => one is Identity.V1.RoleBinding a && other is Identity.V1.RoleBinding b
            && (a.Role, a.Member, a.Scope) == (b.Role, b.Member, b.Scope) && a.ResourceLabels.Equals(b.ResourceLabels),
    };
}
