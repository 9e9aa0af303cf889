using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace Monolith.Agent.L7;

/// <summary>What the node, not the plans, decides about the configuration.</summary>
/// <param name="User">HAProxy's worker becomes it; null to stay.</param>
/// <param name="Chroot">The worker locks itself in here; null not to.</param>
internal sealed record HaproxyHost(string? User, string? Group, string? Chroot);

/// <summary>A server of a backend, as HAProxy holds it.</summary>
/// <param name="Weight">0 while it drains.</param>
/// <param name="Options">The health check's words.</param>
internal readonly record struct HaproxyServer(string Address, int Port, int Weight, bool Disabled, string Options)
{
    /// <summary>As it follows "server NAME" in the file and "add server NAME" at run time.</summary>
    public string Words => string.Create(CultureInfo.InvariantCulture, $"{Address}:{Port} weight {Weight}{Options}");
}

/// <summary>
/// Plans to HAProxy's configuration (HAProxy configuration manual). Pure.
/// <code>
///   VIP:port ─► frontend LB.port ─► backend LB.pool.mode ─► server MEMBER
/// </code>
/// </summary>
/// <param name="Text">The file.</param>
/// <param name="Skeleton">The file without its servers. Equal skeletons differ in nothing that needs a reload.</param>
/// <param name="Servers">By backend and member.</param>
/// <param name="Certificates">PEM texts by file name; the name is the content's hash.</param>
/// <param name="Owners">Whose each line is; null: the node's.</param>
internal sealed record HaproxyConfig(
    string Text,
    string Skeleton,
    IReadOnlyDictionary<(string Backend, string Server), HaproxyServer> Servers,
    IReadOnlyDictionary<string, string> Certificates,
    IReadOnlyList<LoadBalancerId?> Owners)
{
    public const string StatsSocket = "stats.sock";
    public const string CertificateDirectory = "certs";

    /// <summary>Each connection takes two files, and a process has at most 20,000.</summary>
    public const int ConnectionLimit = 4000;

    public static string BackendName(LoadBalancerId balancer, PoolId pool, ListenerProtocol protocol) =>
        $"{balancer}.{pool}.{ModeOf(protocol)}";

    /// <param name="plans">Valid ones, no two with the same VIP and port.</param>
    /// <param name="host">The node.</param>
    public static HaproxyConfig Build(IEnumerable<LoadBalancerPlan> plans, HaproxyHost host)
    {
        var writer = new Writer();
        writer.Node(host);
        foreach (var plan in plans.OrderBy(p => p.Id.Value, StringComparer.Ordinal)) writer.Balancer(plan);
        return writer.Done();
    }

    private static string ModeOf(ListenerProtocol protocol) => protocol == ListenerProtocol.Http ? "http" : "tcp";

    private static string Literal(IPAddress address) =>
        address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{address}]" : address.ToString();

    private sealed class Writer
    {
        private readonly StringBuilder text = new();
        private readonly StringBuilder skeleton = new();
        private readonly Dictionary<(string, string), HaproxyServer> servers = [];
        private readonly Dictionary<string, string> certificates = [];
        private readonly List<LoadBalancerId?> owners = [];
        private LoadBalancerId? owner;

        public HaproxyConfig Done() =>
            new(text.ToString(), skeleton.ToString(), servers, certificates, owners);

        public void Node(HaproxyHost host)
        {
            Line("# Written by the agent, which overwrites what is changed by hand.");
            Line("global");
            Line($"  maxconn {ConnectionLimit}");
            Line($"  stats socket unix@{StatsSocket} mode 600 level admin expose-fd listeners");
            Line("  stats timeout 1m");
            Line("  hard-stop-after 15m");
            Line("  mworker-max-reloads 20");
            Line("  ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets");
            if (host.Chroot is not null) Line($"  chroot \"{host.Chroot}\"");
            if (host.User is not null) Line($"  user {host.User}");
            if (host.Group is not null) Line($"  group {host.Group}");
            Line("defaults");
            Line("  timeout connect 5s");
            Line("  timeout client 60s");
            Line("  timeout server 60s");
            Line("  timeout queue 5s");
            Line("  timeout tunnel 1h");
            Line("  timeout http-request 10s");
            Line("  timeout http-keep-alive 15s");
            Line("  option redispatch");
            Line("  option dontlognull");
        }

        public void Balancer(LoadBalancerPlan plan)
        {
            owner = plan.Id;
            foreach (var listener in plan.Listeners.OrderBy(l => l.Port)) Listener(plan, listener);
            var used = plan.Listeners.Select(l => (l.Pool, l.Protocol)).Distinct()
                .OrderBy(u => u.Pool.Value, StringComparer.Ordinal).ThenBy(u => u.Protocol);
            foreach (var (pool, protocol) in used)
                Pool(plan.Id, plan.Pools.First(p => p.Id == pool), protocol);
        }

        private void Listener(LoadBalancerPlan plan, ListenerPlan listener)
        {
            Line($"frontend {plan.Id}.{listener.Port}");
            Line($"  mode {ModeOf(listener.Protocol)}");
            var tls = "";
            if (listener.CertificatePem is { } pem)
            {
                var name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(pem))) + ".pem";
                certificates[name] = pem;
                var alpn = listener.Protocol == ListenerProtocol.Http ? " alpn h2,http/1.1" : "";
                tls = $" ssl crt {CertificateDirectory}/{name}{alpn}";
            }
            foreach (var vip in plan.Vips) Line($"  bind {Literal(vip)}:{listener.Port}{tls}");
            if (listener.Protocol == ListenerProtocol.Http)
            {
                Line("  option forwardfor");
                Line($"  http-request set-header X-Forwarded-Proto {(tls.Length > 0 ? "https" : "http")}");
            }
            Line($"  default_backend {BackendName(plan.Id, listener.Pool, listener.Protocol)}");
        }

        private void Pool(LoadBalancerId balancer, PoolPlan pool, ListenerProtocol protocol)
        {
            var backend = BackendName(balancer, pool.Id, protocol);
            Line($"backend {backend}");
            Line($"  mode {ModeOf(protocol)}");
            Line(pool.Algorithm switch
            {
                BalanceAlgorithm.LeastConnections => "  balance leastconn",
                BalanceAlgorithm.SourceHash => "  balance source",
                _ => "  balance roundrobin",
            });
            // Only algorithms that can follow a change of weight take servers at run time.
            if (pool.Algorithm == BalanceAlgorithm.SourceHash) Line("  hash-type consistent");
            var options = "";
            if (pool.Check is { } check)
            {
                options = string.Create(
                    CultureInfo.InvariantCulture,
                    $" check inter {check.IntervalMilliseconds}ms rise {check.Rise} fall {check.Fall}");
                Line($"  timeout check {check.TimeoutMilliseconds}ms");
                if (check.HttpPath is { } path)
                {
                    Line("  option httpchk");
                    Line($"  http-check send meth GET uri {path} ver HTTP/1.1 hdr Host health-check");
                    Line($"  http-check expect status {check.ExpectedStatus}");
                }
            }
            Line($"  #{options}");
            foreach (var member in pool.Members.OrderBy(m => m.Id.Value, StringComparer.Ordinal))
            {
                var server = new HaproxyServer(
                    Literal(member.Address), member.Port, member.State == MemberState.Drain ? 0 : member.Weight,
                    member.State == MemberState.Disabled, options);
                servers[(backend, member.Id.Value)] = server;
                Server($"  server {member.Id} {server.Words}{(server.Disabled ? " disabled" : "")}");
            }
        }

        private void Line(string line)
        {
            skeleton.Append(line).Append('\n');
            Server(line);
        }

        private void Server(string line)
        {
            text.Append(line).Append('\n');
            owners.Add(owner);
        }
    }
}
