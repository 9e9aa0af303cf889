using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Monolith.Api.V1;
using Monolith.Lb.Nodes;
using Monolith.Lb.V1;
using Monolith.Platform.Storage;

namespace Monolith.Lb.LoadBalancers;

/// <summary>
/// What the user wants (<see cref="Body"/>), what is sent to the nodes because of it (<see cref="SpecGeneration"/>),
/// and how far that is. The generation of the row, hence the etag, is of the user's words alone.
/// </summary>
internal sealed class LoadBalancerRow : ResourceRow
{
    /// <summary>A pool's name, or empty. Immutable.</summary>
    public string AddressPool { get; init; } = "";

    /// <summary>A <see cref="LoadBalancer"/> with nothing but listeners and pools, defaults filled in.</summary>
    public byte[] Body { get; set; } = [];

    /// <summary>Rises with every accepted edit.</summary>
    public long Revision { get; set; } = 1;

    /// <summary>The servers that members name, one a line, with a line break before and after each.</summary>
    public string Servers { get; set; } = "";

    /// <summary>Their addresses: <c>server TAB address</c> a line; empty address: none yet, or no such server.</summary>
    public string Targets { get; set; } = "";

    /// <summary>Rises with everything that changes what nodes are sent.</summary>
    public long SpecGeneration { get; set; } = 1;

    /// <summary>When <see cref="SpecGeneration"/> last rose; UTC.</summary>
    public DateTime SpecTime { get; set; }

    /// <summary>Empty until it is claimed.</summary>
    public string Address { get; set; } = "";

    /// <summary>Empty until the name is served.</summary>
    public string DnsName { get; set; } = "";

    public LoadBalancer.Types.State State { get; set; } = LoadBalancer.Types.State.Pending;

    /// <summary>A <see cref="LoadBalancer"/> with nothing but conditions.</summary>
    public byte[] Facts { get; set; } = [];

    /// <summary>The condition that could not come true at the last try, and why; empty when nothing failed.</summary>
    public string FailedStep { get; set; } = "";
    public string FailedReason { get; set; } = "";
    public string FailedMessage { get; set; } = "";

    /// <summary>When the delete was asked for; UTC.</summary>
    public DateTime? DeleteTime { get; set; }

    /// <summary>There is something to do or to wait for.</summary>
    public bool Unsettled { get; set; } = true;

    public bool Deleting => DeleteTime is not null;

    public IReadOnlyList<Condition> Conditions => LoadBalancer.Parser.ParseFrom(Facts).Conditions;

    public void Edit(LoadBalancer body, DateTime now)
    {
        Body = body.ToByteArray();
        var servers = body.Pools.SelectMany(p => p.Members).Select(m => m.Server).Where(s => s.Length > 0).Distinct();
        Servers = string.Concat(servers.Order(StringComparer.Ordinal).Select(s => $"\n{s}\n"));
        Send(now);
    }

    /// <summary>What nodes are sent is another now.</summary>
    public void Send(DateTime now)
    {
        SpecGeneration++;
        SpecTime = now;
        Unsettled = true;
    }

    public string[] ServerList => Servers.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public Dictionary<string, string> TargetAddresses => Targets.Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Select(line => line.Split('\t')).ToDictionary(p => p[0], p => p[1], StringComparer.Ordinal);

    public void Failed(string step, string reason, string message) =>
        (FailedStep, FailedReason, FailedMessage) = (step, reason, message);

    public void Take(Report report)
    {
        State = report.State;
        Facts = new LoadBalancer { Conditions = { report.Conditions } }.ToByteArray();
    }

    public LoadBalancer ToProto(IReadOnlyList<StatusRow> statuses, IReadOnlyList<NodeRow> nodes)
    {
        var proto = LoadBalancer.Parser.ParseFrom(Body);
        proto.Name = Name;
        proto.Uid = Uid.ToString();
        proto.Etag = Etag;
        proto.DisplayName = DisplayName;
        Platform.Names.Labels.Load(Labels, proto.Labels);
        proto.AddressPool = AddressPool;
        proto.Address = Address;
        proto.DnsName = DnsName;
        proto.State = State;
        proto.Reconciling = State is LoadBalancer.Types.State.Pending or LoadBalancer.Types.State.Deleting;
        proto.Conditions.AddRange(Conditions);
        proto.MemberStatuses.AddRange(Members.Statuses(this, proto, statuses, nodes));
        proto.Revision = Revision;
        proto.CreateTime = CreateTime.ToTimestamp();
        proto.UpdateTime = UpdateTime.ToTimestamp();
        return proto;
    }
}
