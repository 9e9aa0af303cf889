using System.Net;
using System.Net.Sockets;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Monolith.Agent.Network.Metadata;

/// <summary>What a guest is told, in the forms that guests read. Pure; the same for who asks and for who has it on a disk.</summary>
internal static class MetadataText
{
    public static readonly string[] OpenStackFiles =
        ["meta_data.json", "network_data.json", "user_data", "vendor_data.json", "vendor_data2.json"];

    /// <param name="file">One of <see cref="OpenStackFiles"/>.</param>
    /// <param name="document">The guest's.</param>
    /// <param name="ports">Those that are told of.</param>
    /// <returns>Null: there is no such file.</returns>
    public static ReadOnlyMemory<byte>? OpenStack(string file, MetadataDocument document, IReadOnlyList<PortPlan> ports) =>
        file switch
        {
            "meta_data.json" => MetaData(document),
            "network_data.json" => NetworkData(ports),
            "vendor_data.json" when document.Login is { } login => Write(json => json.WriteString("cloud-init", login.VendorData())),
            "vendor_data.json" or "vendor_data2.json" => "{}"u8.ToArray(),
            "user_data" when !document.UserData.IsEmpty => document.UserData,
            // An array that is none would be an empty text.
            _ => (ReadOnlyMemory<byte>?)null,
        };

    /// <summary>cloud-init's <c>meta-data</c>: JSON, which is YAML.</summary>
    public static byte[] NoCloud(MetadataDocument document) => Write(json =>
    {
        json.WriteString("instance-id", document.InstanceId);
        json.WriteString("local-hostname", document.Hostname);
        json.WriteString("availability-zone", document.AvailabilityZone);
        json.WriteStartArray("public-keys");
        foreach (var (_, key) in document.PublicKeys)
            json.WriteStringValue(key);
        json.WriteEndArray();
        WriteMeta(json, document);
    });

    private static void WriteMeta(Utf8JsonWriter json, MetadataDocument document)
    {
        json.WriteStartObject("meta");
        foreach (var (key, value) in document.Meta ?? new Dictionary<string, string>())
            json.WriteString(key, value);
        json.WriteEndObject();
    }

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
        WriteMeta(json, document);
    });

    private static byte[] NetworkData(IReadOnlyList<PortPlan> ports) => Write(json =>
    {
        json.WriteStartArray("links");
        for (var i = 0; i < ports.Count; i++)
        {
            json.WriteStartObject();
            json.WriteString("id", $"port{i}");
            json.WriteString("type", "phy");
            json.WriteString("ethernet_mac_address", ports[i].Mac.ToString());
            json.WriteNumber("mtu", ports[i].Mtu);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("networks");
        var network = 0;
        for (var i = 0; i < ports.Count; i++)
            foreach (var address in ports[i].Addresses)
                WriteNetwork(json, $"port{i}", $"network{network++}", ports[i], address);
        json.WriteEndArray();
        json.WriteStartArray("services");
        foreach (var server in ports.SelectMany(p => p.DnsServers).Distinct())
        {
            json.WriteStartObject();
            json.WriteString("type", "dns");
            json.WriteString("address", server.ToString());
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    /// <summary>The first IPv4 address comes by DHCP; every other one is configured as a host address.</summary>
    private static void WriteNetwork(Utf8JsonWriter json, string link, string id, PortPlan port, IPAddress address)
    {
        var isV4 = address.AddressFamily == AddressFamily.InterNetwork;
        json.WriteStartObject();
        json.WriteString("id", id);
        json.WriteString("network_id", id);
        json.WriteString("link", link);
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
        // It is read by programs and people, and is part of no page.
        using (var json = new Utf8JsonWriter(stream, new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            fill(json);
            json.WriteEndObject();
        }

        return stream.ToArray();
    }
}
