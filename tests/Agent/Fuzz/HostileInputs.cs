using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Text;
using Google.Protobuf;
using Monolith.Agent.Images;
using Monolith.Agent.Join;
using Monolith.Agent.L7;
using Monolith.Agent.Ledger;
using Monolith.Agent.Native.Safe;
using Monolith.Agent.Network;
using Monolith.Agent.Network.Advertise;
using Monolith.Agent.Network.Dhcp;
using Monolith.Agent.Network.Metadata;
using Monolith.Agent.Network.Probe;
using Monolith.Agent.Reconcile;
using Monolith.Agent.Routing;
using Monolith.Agent.Sync;
using Monolith.Agent.Tests.L7;
using Monolith.Agent.Tests.Lab;
using Monolith.Agent.Tests.Network.Metadata;
using Monolith.Agent.Tests.Nodes;
using Monolith.Agent.V1;
using Monolith.Agent.Vms;
using Monolith.Agent.Vms.Qmp;
using Monolith.Disks;

namespace Monolith.Agent.Tests.Fuzz;

/// <summary>A parser of what others wrote.</summary>
/// <param name="Name">Of the parser.</param>
/// <param name="Good">Input that it takes, from which hostile input is made.</param>
/// <param name="Parse">True when the input was taken for good. Asserts what holds of what it gives.</param>
internal sealed record HostileInput(string Name, IReadOnlyList<byte[]> Good, Func<byte[], bool> Parse)
{
    /// <summary>Whether the parser says that it throws this.</summary>
    public Func<Exception, bool> Declared { get; init; } = _ => false;

    /// <summary>Allocation that does not depend on the input.</summary>
    public long FixedBytes { get; init; } = 256 * 1024;

    /// <summary>Allocation for each byte of input.</summary>
    public int BytesForEach { get; init; } = 512;
}

/// <summary>Every parser of the agent that reads what it must not trust.</summary>
internal static class HostileInputs
{
    private static readonly PortPlan Port = DataPlaneLab.Plan(7);
    private static readonly HaproxyConfig Config =
        HaproxyConfig.Build([Balancers.Plan("lb", 80, Balancers.Member("a"))], new HaproxyHost(null, null, null));

    public static IReadOnlyList<HostileInput> All { get; } =
    [
        new("dhcp", [Dhcp(1), Dhcp(3), Dhcp(8)], bytes => DhcpRequest.TryParse(bytes, out var request)
            && DhcpAnswers.To(request, Port, TimeSpan.FromHours(1))?.ToBytes() is { } reply && Fits(reply)),
        new("arp", [ArpPacket.WhoHas(Port.Ipv4!), ArpReply()], bytes => ArpPacket.IsAnswer(
            bytes, Port.Mac, Port.Ipv4!)),
        new("router solicitation", [[133, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7]], bytes =>
            RouterAdvertisement.IsSolicitation(bytes)),
        new("metadata", Texts(
            "GET /latest/meta-data/public-keys/0/openssh-key HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n",
            "PUT /latest/api/token HTTP/1.1\r\nX-aws-ec2-metadata-token-ttl-seconds: 60\r\n\r\n",
            "GET http://169.254.169.254/openstack/latest/meta_data.json?x=1#y HTTP/1.0\r\n\r\n"), Metadata),
        new("qcow2", [Qcow2(2), Qcow2(3)], bytes => ImageInspection.Refuse(bytes, DiskFormat.Qcow2) is null
            && IsSafe(bytes)),
        new("raw image", [[0xeb, 0x63, 0x90, 0x10], Qcow2(3)], bytes =>
            ImageInspection.Refuse(bytes, DiskFormat.Raw) is null && !Qcow2Header.IsQcow2(bytes)),
        new("qmp", Texts(
            """{"QMP":{"version":{"qemu":{"micro":22,"minor":2,"major":7},"package":"x"},"capabilities":[]}}""",
            """{"return":{"running":true,"a":[1,2,{"b":null}]},"id":3}""",
            """{"id":4,"error":{"class":"GenericError","desc":"no \ud83d\ude00"}}""",
            """{"timestamp":{"seconds":1,"microseconds":2},"event":"STOP","data":{"x":1.5e300}}"""), Qmp)
        { Declared = e => e is QmpProtocolException, BytesForEach = 2048 },
        new("bird", [.. Captured()], Bird) { BytesForEach = 2048 },
        new("haproxy", Texts(
            "# pxname,svname,scur,stot,status,weight,check_status,last_chk,\n"
            + "lb.web.http,a,1,5,UP,100,L7OK,\"OK, \"\"fine\"\"\",\n",
            "#<PID> <type> <reloads> <uptime> <version>\n"
            + "1 master 0 [failed: 0] 0d00h00m01s 2.6\n# workers\n2 worker 0 0d\n",
            "[ALERT]    (7) : config : [haproxy.cfg.new:12] : 'bind' : cannot open\n"
            + "[ALERT] (7) : backend 'lb.web.http': no\n"),
            Haproxy) { BytesForEach = 4096 },
        new("ledger", [Ledger(1), Ledger(5)], LedgerBytes),
        new("vm fact",
            [new VmFact { Generation = 3, Steps = [new("Running", DateTimeOffset.UnixEpoch)] }.Encode().ToByteArray()],
            bytes => VmFact.Decode(ByteString.CopyFrom(bytes)) is not null) { BytesForEach = 2048 },
        new("vm messages", Messages(
            new SyncVmsResponse { Upsert = Wishes.Vm(1), Traceparent = Traceparent },
            new SyncVmsResponse { Remove = "x" },
            new SyncVmsResponse { InSync = new InSync { SendStatuses = true } }), Vms)
        { Declared = e => e is InvalidProtocolBufferException or VmException, BytesForEach = 4096 },
        new("port messages", Messages(
            new SyncPortsResponse { UpsertPort = Wishes.Port(1) },
            new SyncPortsResponse { UpsertSet = new AddressSet { Id = "s", Addresses = { "10.0.0.1", "fd00::1" } } },
            new SyncPortsResponse { RemoveSet = "s" }), Ports)
        { Declared = e => e is InvalidProtocolBufferException or FormatException or InvalidPlanException,
            BytesForEach = 4096 },
        new("load balancer messages", Messages(
            new SyncLoadBalancersResponse { Upsert = Balancers.Spec("lb", 80, 8080) },
            new SyncLoadBalancersResponse { Remove = "lb" }), LoadBalancers)
        { Declared = e => e is InvalidProtocolBufferException or FormatException, BytesForEach = 4096 },
        new("process status", Texts("1 (a b) c) S 1 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 99 1 2\n"), bytes =>
            ProcessStat.TryParse(Encoding.UTF8.GetString(bytes), out _)),
        new("join token", Texts($"mj1.hv1.secret.{new string('a', 64)}"), bytes =>
            JoinToken.TryParse(Encoding.UTF8.GetString(bytes), out _)),
    ];

    private const string Traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    private static IReadOnlyList<byte[]> Texts(params string[] texts) => [.. texts.Select(Encoding.UTF8.GetBytes)];

    private static IReadOnlyList<byte[]> Messages(params IMessage[] messages) =>
        [.. messages.Select(m => m.ToByteArray())];

    private static IEnumerable<byte[]> Captured() =>
        Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Routing", "Captured")).Order().Select(
            File.ReadAllBytes);

    private static bool Holds(bool what, string words) => what ? true : throw new InvalidOperationException(words);

    private static byte[] Dhcp(byte type)
    {
        var bytes = new byte[280];
        (bytes[0], bytes[1], bytes[2]) = (1, 1, 6);
        Port.Mac.Write(bytes.AsSpan(28));
        byte[] options =
            [99, 130, 83, 99, 53, 1, type, 50, 4, 10, 64, 0, 7, 61, 7, 1, 82, 84, 0, 0, 0, 7, 12, 2, 104, 105, 255];
        options.CopyTo(bytes, 236);
        return bytes;
    }

    private static bool Fits(byte[] reply) =>
        Holds(reply.Length is >= 300 and <= 1472, $"a reply of {reply.Length} bytes");

    private static byte[] ArpReply()
    {
        var frame = ArpPacket.WhoHas(Port.Ipv4!);
        frame[21] = 2;
        Port.Mac.Write(frame.AsSpan(22));
        Port.Ipv4!.GetAddressBytes().CopyTo(frame, 28);
        return frame;
    }

    private static bool Metadata(byte[] bytes)
    {
        if (HttpRequest.Parse(bytes, out var request) != HttpParse.Complete) return false;
        var answer = MetadataTree.Answer(request!, MetadataTreeTests.Subject);
        var head = Encoding.ASCII.GetString(answer.Head());
        Holds(head.Split("\r\n").Length == 6, "an answer with a head of another's making: " + head);
        return Holds(answer.Status is >= 200 and < 500, $"status {answer.Status}");
    }

    private static byte[] Qcow2(int version)
    {
        // Clusters of 512: header, refcount table and block, L1, L2, data.
        var file = new byte[6 * 512];
        BinaryPrimitives.WriteUInt32BigEndian(file, 0x514649fb);
        BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(4), (uint)version);
        BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(20), 9);
        BinaryPrimitives.WriteUInt64BigEndian(file.AsSpan(24), 64 * 512);
        BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(36), 1);
        BinaryPrimitives.WriteUInt64BigEndian(file.AsSpan(40), 3 * 512);
        BinaryPrimitives.WriteUInt64BigEndian(file.AsSpan(48), 512);
        BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(56), 1);
        if (version == 3) BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(100), Qcow2Header.Length);
        BinaryPrimitives.WriteUInt64BigEndian(file.AsSpan(512), 2 * 512);
        BinaryPrimitives.WriteUInt64BigEndian(file.AsSpan(3 * 512), (1UL << 63) | (4 * 512));
        BinaryPrimitives.WriteUInt64BigEndian(file.AsSpan(4 * 512), (1UL << 63) | (5 * 512));
        return file;
    }

    /// <summary>By the file itself, not by what the parser made of it.</summary>
    private static bool IsSafe(byte[] head) => Holds(
        BinaryPrimitives.ReadUInt64BigEndian(head.AsSpan(8)) == 0
            && BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(32)) == 0
            && (head[7] == 2 || (head[79] & 4) == 0),
        "an image that reaches beyond itself was taken");

    private static bool Qmp(byte[] bytes) => QmpParser.Parse(bytes) is not null;

    private static bool Bird(byte[] bytes)
    {
        var lines = Encoding.UTF8.GetString(bytes).Split('\n');
        if (!BirdReply.TryParse(lines, out var reply)) return false;
        _ = BirdTables.Sessions(reply, reply);
        _ = BirdTables.HasRoute(reply, "10.64.0.1/32");
        return !reply.IsError;
    }

    private static bool Haproxy(byte[] bytes)
    {
        var text = Encoding.UTF8.GetString(bytes);
        return HaproxyText.Stats(text).Count > 0 | HaproxyText.Processes(text).Workers.Count > 0
            | HaproxyText.Blame(text, Config).Owner is not null;
    }

    private static byte[] Ledger(int records)
    {
        var buffer = new ArrayBufferWriter<byte>();
        buffer.Write(LedgerCodec.Magic);
        for (var i = 0; i < records; i++)
        {
            LedgerCodec.Write(buffer, i % 3 == 2
                ? LedgerRecord.Drop($"k{i - 1}")
                : new LedgerRecord($"k{i}", (ulong)i, ByteString.CopyFrom(new byte[i * 40])));
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>What is read is, written again, what was read.</summary>
    private static bool LedgerBytes(byte[] bytes)
    {
        var records = new List<LedgerRecord>();
        var good = LedgerCodec.Read(bytes, records);
        if (good == 0) return false;
        var again = new ArrayBufferWriter<byte>();
        again.Write(LedgerCodec.Magic);
        foreach (var record in records) LedgerCodec.Write(again, record);
        return Holds(
            again.WrittenSpan.SequenceEqual(bytes.AsSpan(0, good)), $"{good} bytes were read as something else");
    }

    private static DesiredItem? Receive(Downlink message)
    {
        var changes = new SyncSession().Receive(message, () => ["held"]);
        Holds(changes.Count <= 1, "more changes than there are items");
        return message is Downlink.Upsert upsert ? upsert.Item : null;
    }

    private static bool Vms(byte[] bytes)
    {
        if (Receive(VmConcern.Decode(SyncVmsResponse.Parser.ParseFrom(bytes))) is not { Body: Vm vm }) return false;
        _ = VmPlans.MetadataOf(vm);
        QemuFault.Check(VmPlans.Of(vm, "vt"));
        return true;
    }

    private static bool Ports(byte[] bytes)
    {
        switch (Receive(PortConcern.Decode(SyncPortsResponse.Parser.ParseFrom(bytes)))?.Body)
        {
            case PortSpec spec:
                _ = PortPlans.SetsOf(spec).ToList();
                PlanRules.Check(PortPlans.Of(spec, "vt", new TapOwner(0, 0)), new DataPlaneOptions());
                return true;
            case AddressSet set:
                PlanRules.Check(PortPlans.Of(set));
                return true;
            default:
                return false;
        }
    }

    private static bool LoadBalancers(byte[] bytes)
    {
        var message = SyncLoadBalancersResponse.Parser.ParseFrom(bytes);
        if (Receive(LoadBalancerConcern.Decode(message)) is not { Body: LoadBalancerSpec spec }) return false;
        var plan = LoadBalancerPlans.Of(spec);
        if (LoadBalancerRules.Violations(plan).Count > 0) return false;
        return HaproxyConfig.Build([plan], new HaproxyHost(null, null, null)).Text.Length > 0;
    }
}
