using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Monolith.Agent.Network.Metadata;

/// <summary>
/// Which document answers which path. Pure.
/// <code>
/// /openstack/{version}/{meta_data.json, user_data, vendor_data.json, vendor_data2.json, network_data.json}
/// /{version}/{meta-data/..., user-data}   PUT /latest/api/token          (the EC2 form)
/// </code>
/// Any version is the latest one: a client that names an older date gets a superset of it.
/// </summary>
internal static class MetadataTree
{
    private static readonly string[] OpenStackVersions = ["2018-08-27", "latest"];
    private static readonly string[] Ec2Versions = ["1.0", "2009-04-04", "latest"];

    public static HttpAnswer Answer(HttpRequest request, MetadataSubject subject)
    {
        var parts = request.Path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        // IMDSv2: the address that asks is proof enough here, so any token is as good as another.
        if (request.Method == "PUT")
            return parts is [_, "api", "token"] ? HttpAnswer.Text(subject.Document.InstanceId) : NotAllowed();
        if (request.Method != "GET")
            return NotAllowed();
        return parts switch
        {
            [] => List([.. Ec2Versions, "openstack"]),
            ["openstack"] => List(OpenStackVersions),
            ["openstack", _] =>
                List(["meta_data.json", "network_data.json", "user_data", "vendor_data.json", "vendor_data2.json"]),
            ["openstack", _, var file] => OpenStack(file, subject),
            [_] when Ec2Versions.Contains(parts[0]) => List(["meta-data/", "user-data"]),
            [_, "user-data"] => UserData(subject.Document),
            [_, "meta-data", .. var rest] => Ec2(rest, subject),
            _ => NotFound(),
        };
    }

    private static HttpAnswer OpenStack(string file, MetadataSubject subject) => file switch
    {
        "meta_data.json" => HttpAnswer.Json(MetaData(subject.Document)),
        "network_data.json" => HttpAnswer.Json(NetworkData(subject.Port)),
        "vendor_data.json" or "vendor_data2.json" => HttpAnswer.Json("{}"u8.ToArray()),
        "user_data" => UserData(subject.Document),
        _ => NotFound(),
    };

    private static HttpAnswer UserData(MetadataDocument document) =>
        document.UserData.IsEmpty ? NotFound() : HttpAnswer.Bytes(document.UserData);

    private static HttpAnswer Ec2(string[] path, MetadataSubject subject)
    {
        var document = subject.Document;
        var keys = document.PublicKeys;
        return path switch
        {
            [] => List(
            [
                "ami-id",
                "hostname", "instance-id", "instance-type", "local-hostname", "local-ipv4", "mac", "placement/",
                .. keys.Count > 0 ? ["public-keys/"] : Array.Empty<string>(),
                .. PublicIpv4(subject.Port) is null ? Array.Empty<string>() : ["public-ipv4"],
            ]),
            ["ami-id"] => HttpAnswer.Text("ami-00000000"),
            ["instance-id"] => HttpAnswer.Text(document.InstanceId),
            ["instance-type"] => HttpAnswer.Text("server"),
            ["hostname"] or ["local-hostname"] => HttpAnswer.Text(document.Hostname),
            ["local-ipv4"] when subject.Port.Ipv4 is { } address => HttpAnswer.Text(address.ToString()),
            ["public-ipv4"] when PublicIpv4(subject.Port) is { } address => HttpAnswer.Text(address.ToString()),
            ["mac"] => HttpAnswer.Text(subject.Port.Mac.ToString()),
            ["placement"] => List(["availability-zone"]),
            ["placement", "availability-zone"] => HttpAnswer.Text(document.AvailabilityZone),
            ["public-keys"] when keys.Count > 0 => List([.. keys.Select((k, i) => $"{i}={k.Key}")]),
            ["public-keys", var i] when Key(keys, i) is not null => List(["openssh-key"]),
            ["public-keys", var i, "openssh-key"] when Key(keys, i) is { } key => HttpAnswer.Text(key),
            _ => NotFound(),
        };
    }

    /// <summary>The address by which it is reached from outside.</summary>
    private static IPAddress? PublicIpv4(PortPlan port) => port.Translations
        .FirstOrDefault(t => t.Inbound && t.External.AddressFamily == AddressFamily.InterNetwork)?.External;

    private static string? Key(IReadOnlyList<KeyValuePair<string, string>> keys, string index) =>
        int.TryParse(index, out var i) && i >= 0 && i < keys.Count ? keys[i].Value : null;

    private static byte[] MetaData(MetadataDocument document) => Write(json =>
    {
        json.WriteString("uuid", document.InstanceId);
        json.WriteString("name", document.Hostname.Split('.')[0]);
        json.WriteString("hostname", document.Hostname);
        json.WriteNumber("launch_index", 0);
        json.WriteString("availability_zone", document.AvailabilityZone);
        json.WriteStartObject("public_keys");
        foreach (var (name, key) in document.PublicKeys)
            json.WriteString(name, key);
        json.WriteEndObject();
        json.WriteStartArray("keys");
        foreach (var (name, key) in document.PublicKeys)
        {
            json.WriteStartObject();
            json.WriteString("name", name);
            json.WriteString("type", "ssh");
            json.WriteString("data", key);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartObject("meta");
        foreach (var (key, value) in document.Meta ?? new Dictionary<string, string>())
            json.WriteString(key, value);
        json.WriteEndObject();
    });

    private static byte[] NetworkData(PortPlan port) => Write(json =>
    {
        json.WriteStartArray("links");
        json.WriteStartObject();
        json.WriteString("id", "port0");
        json.WriteString("type", "phy");
        json.WriteString("ethernet_mac_address", port.Mac.ToString());
        json.WriteNumber("mtu", port.Mtu);
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteStartArray("networks");
        for (var i = 0; i < port.Addresses.Count; i++)
            WriteNetwork(json, port, i);
        json.WriteEndArray();
        json.WriteStartArray("services");
        foreach (var server in port.DnsServers)
        {
            json.WriteStartObject();
            json.WriteString("type", "dns");
            json.WriteString("address", server.ToString());
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    /// <summary>The first IPv4 address comes by DHCP; every other one is configured as a host address.</summary>
    private static void WriteNetwork(Utf8JsonWriter json, PortPlan port, int index)
    {
        var address = port.Addresses[index];
        var isV4 = address.AddressFamily == AddressFamily.InterNetwork;
        json.WriteStartObject();
        json.WriteString("id", $"network{index}");
        json.WriteString("network_id", $"network{index}");
        json.WriteString("link", "port0");
        json.WriteString("type", isV4 && address.Equals(port.Ipv4) ? "ipv4_dhcp" : isV4 ? "ipv4" : "ipv6");
        json.WriteString("ip_address", address.ToString());
        json.WriteString("netmask", isV4 ? "255.255.255.255" : "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
        json.WriteStartArray("routes");
        if (!isV4)
        {
            json.WriteStartObject();
            json.WriteString("network", "::");
            json.WriteString("netmask", "::");
            json.WriteString("gateway", Gateway.Ipv6.ToString());
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static byte[] Write(Action<Utf8JsonWriter> fill)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            fill(json);
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    private static HttpAnswer List(IEnumerable<string> names) => HttpAnswer.Text(string.Join('\n', names));

    private static HttpAnswer NotFound() => HttpAnswer.Error(404, "Not Found", "there is no such metadata");

    private static HttpAnswer NotAllowed() =>
        HttpAnswer.Error(405, "Method Not Allowed", "use GET, or PUT for the token");
}
