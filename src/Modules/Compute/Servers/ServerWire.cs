using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Monolith.Compute.Servers.Ports;
using Monolith.Compute.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;

namespace Monolith.Compute.Servers;

/// <summary>Rows to messages.</summary>
internal static class ServerWire
{
    /// <param name="row">The server.</param>
    /// <param name="userData">Open; null: none is told.</param>
    public static Server ToProto(this ServerRow row, byte[]? userData = null)
    {
        var server = new Server
        {
            Name = row.Name,
            Uid = row.Uid.ToString(),
            Etag = row.Etag,
            DisplayName = row.DisplayName,
            Flavor = row.Flavor,
            Image = row.Image,
            Hostname = row.Hostname,
            AvailabilityZone = row.AvailabilityZone,
            ServerGroup = row.ServerGroup ?? "",
            DeleteProtected = row.DeleteProtected,
            KeepDisk = row.Detail.KeepDisk,
            MetadataDrive = row.Detail.MetadataDrive,
            LockReason = row.LockReason,
            UndeleteWindow = Duration.FromTimeSpan(TimeSpan.FromSeconds(row.UndeleteSeconds)),
            ExpireTime = row.ExpireTime?.ToTimestamp(),
            State = row.State,
            Reconciling = row.Unsettled,
            DnsName = row.DnsName,
            Hypervisor = row.Hypervisor.Length == 0 ? "" : "hypervisors/" + row.Hypervisor,
            CreateTime = row.CreateTime.ToTimestamp(),
            UpdateTime = row.UpdateTime.ToTimestamp(),
            ReadyTime = row.ReadyTime?.ToTimestamp(),
            ReadyProbe = new ReadyProbe
            {
                TcpPort = row.ReadyTcpPort,
                Timeout = Duration.FromTimeSpan(TimeSpan.FromSeconds(row.ReadyTimeoutSeconds)),
            },
            Conditions = { row.Steps.Select(s => s.ToCondition()) },
            KeyPairs = { row.Detail.KeyPairs },
            Migration = row.Migration?.ToProto(),
            SnapshotImage = row.SnapshotImage,
            RescueImage = row.Detail.Rescue?.Image ?? "",
            ImageWarning = row.Detail.ImageWarning,
        };
        if (row.Detail.Rescue is { } rescue) server.Conditions.Add(rescue.ToCondition());
        if (row.Addresses.Length > 0) server.Addresses.Add(row.Addresses.Split(','));
        foreach (var network in row.Detail.Networks)
            if (network.Phase != PortPhase.Detaching)
                server.Networks.Add(new ServerNetwork
                {
                    Network = network.Network,
                    Address = network.Address,
                    SecurityGroups = { network.SecurityGroups },
                });
        foreach (var (key, value) in row.Detail.Metadata ?? new Dictionary<string, string>()) server.Metadata[key] = value;
        if (userData is not null) server.UserData = ByteString.CopyFrom(userData);
        Labels.Load(row.Labels, server.Labels);
        return server;
    }

    /// <summary>Where a server runs is the operators' business.</summary>
    public static Server For(this Server server, Caller caller)
    {
        if (server.Hypervisor.Length == 0 && server.Migration is null) return server;
        if (caller.May("compute.hypervisors.get", null)) return server;
        server.Hypervisor = "";
        if (server.Migration is { } migration) migration.Source = migration.Target = "";
        return server;
    }

    public static Server Emit(this Unit<ComputeDb> unit, Change change, ServerRow row)
    {
        var server = row.ToProto();
        unit.Emit("server", change, row.Name, row.Project, server);
        return server;
    }
}
