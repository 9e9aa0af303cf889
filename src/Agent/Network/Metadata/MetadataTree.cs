using System.Net;
using System.Net.Sockets;

namespace Monolith.Agent.Network.Metadata;

/// <summary>
/// Which document answers which path. Pure.
/// <code>
/// /openstack/{version}/{meta_data.json, user_data, vendor_data.json, vendor_data2.json, network_data.json}
/// /{version}/{meta-data/..., user-data}   PUT /latest/api/token          (the EC2 form)
/// /monolith/{version}/login/{authorities, principals/login, principals/root}
/// </code>
/// Any version is the latest one: a client that names an older date gets a superset of it.
/// </summary>
internal static class MetadataTree
{
    internal static readonly string[] OpenStackVersions = ["2018-08-27", "latest"];
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
            [] => List([.. Ec2Versions, "monolith", "openstack"]),
            ["openstack"] => List(OpenStackVersions),
            ["openstack", _] =>
                List(MetadataText.OpenStackFiles),
            ["openstack", _, var file] => OpenStack(file, subject),
            ["monolith", _, "login", .. var rest] when subject.Document.Login is { } login => Login(rest, login),
            [_] when Ec2Versions.Contains(parts[0]) => List(["meta-data/", "user-data"]),
            [_, "user-data"] => UserData(subject.Document),
            [_, "meta-data", .. var rest] => Ec2(rest, subject),
            _ => NotFound(),
        };
    }

    private static HttpAnswer OpenStack(string file, MetadataSubject subject) =>
        MetadataText.OpenStack(file, subject.Document, [subject.Port]) is not { } text ? NotFound()
            : file.EndsWith(".json", StringComparison.Ordinal) ? HttpAnswer.Json(text) : HttpAnswer.Bytes(text);

    private static HttpAnswer Login(string[] path, GuestLogin login) => path switch
    {
        [] => List(["authorities", "principals/"]),
        ["authorities"] => List(login.Authorities),
        ["principals"] => List(["login", "root"]),
        ["principals", "login"] => HttpAnswer.Text(login.Principal),
        ["principals", "root"] => HttpAnswer.Text(login.RootPrincipal),
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

    private static HttpAnswer List(IEnumerable<string> names) => HttpAnswer.Text(string.Join('\n', names));

    private static HttpAnswer NotFound() => HttpAnswer.Error(404, "Not Found", "there is no such metadata");

    private static HttpAnswer NotAllowed() =>
        HttpAnswer.Error(405, "Method Not Allowed", "use GET, or PUT for the token");
}
