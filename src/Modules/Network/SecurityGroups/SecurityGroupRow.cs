using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Monolith.Network.V1;
using Monolith.Platform.Storage;

namespace Monolith.Network.SecurityGroups;

/// <summary>Rules that ports can share, and the generation of the set of its members' addresses.</summary>
internal sealed class SecurityGroupRow : ResourceRow
{
    /// <summary>A serialised SecurityGroup with nothing but rules.</summary>
    public byte[] RuleBytes { get; private set; } = [];

    /// <summary>Rises whenever a port joins or leaves.</summary>
    public long SetGeneration { get; set; } = 1;

    public IReadOnlyList<SecurityRule> Rules => SecurityGroup.Parser.ParseFrom(RuleBytes).Rules;

    public void SetRules(IEnumerable<SecurityRule> rules) =>
        RuleBytes = new SecurityGroup { Rules = { rules } }.ToByteArray();

    public SecurityGroup ToProto()
    {
        var group = SecurityGroup.Parser.ParseFrom(RuleBytes);
        group.Name = Name;
        group.Uid = Uid.ToString();
        group.Etag = Etag;
        group.DisplayName = DisplayName;
        group.CreateTime = CreateTime.ToTimestamp();
        group.UpdateTime = UpdateTime.ToTimestamp();
        Platform.Names.Labels.Load(Labels, group.Labels);
        return group;
    }
}

/// <summary>A rule of one group names another, or its own. Immutable.</summary>
internal sealed class GroupRemoteRow
{
    public Guid GroupUid { get; init; }
    public Guid RemoteUid { get; init; }
}

/// <summary>A port is in a group. Immutable.</summary>
internal sealed class PortGroupRow
{
    public Guid PortUid { get; init; }
    public Guid GroupUid { get; init; }
}
