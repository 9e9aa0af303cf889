using System.Text;
using System.Text.Json;
using Monolith.Agent.Network.Metadata;

namespace Monolith.Agent.Tests.Network.Metadata;

public sealed class MetadataDriveTests
{
    private static readonly MetadataSubject Subject = MetadataTreeTests.Subject;

    /// <summary>Whoever reads the disk knows what who asks the service knows.</summary>
    [Fact]
    public void ConfigDrive_SaysWhatTheServiceSays()
    {
        var files = MetadataDrive.Files(MetadataDrive.ConfigDrive, Subject.Document, [Subject.Port]);
        Assert.All(files, f => Assert.Equal(
            MetadataTree.Answer(new HttpRequest("GET", "/" + f.Path), Subject).Body.ToArray(), f.Content.ToArray()));
        foreach (var version in new[] { "latest", "2018-08-27" })
            Assert.Equal(
                MetadataText.OpenStackFiles, files.Where(f => f.Path.Split('/')[1] == version).Select(f => f.Path.Split('/')[2]));
    }

    [Fact]
    public void ConfigDrive_TellsOfEveryPort()
    {
        var files = MetadataDrive.Files(
            MetadataDrive.ConfigDrive, Subject.Document, [Lab.DataPlaneLab.Plan(7), Lab.DataPlaneLab.Plan(8)]);
        var network = Parse(files.Single(f => f.Path == "openstack/latest/network_data.json").Content);
        var links = network.GetProperty("links").EnumerateArray().ToList();
        Assert.Equal(
            ["52:54:00:00:00:07", "52:54:00:00:00:08"], links.Select(l => l.GetProperty("ethernet_mac_address").GetString()!));
        var networks = network.GetProperty("networks").EnumerateArray().ToList();
        Assert.Equal(["port0", "port1"], networks.Select(n => n.GetProperty("link").GetString()).Distinct());
        Assert.Equal(networks.Count, networks.DistinctBy(n => n.GetProperty("id").GetString()).Count());
    }

    [Fact]
    public void WithoutUserData_ThereIsNoSuchFile()
    {
        var document = Subject.Document with { UserData = default };
        Assert.DoesNotContain(
            MetadataDrive.Files(MetadataDrive.ConfigDrive, document, []), f => f.Path.EndsWith("user_data", StringComparison.Ordinal));
        // Without the file, NoCloud takes the volume for none of its own.
        Assert.Equal(
            ["meta-data", "user-data"], MetadataDrive.Files(MetadataDrive.NoCloud, document, []).Select(f => f.Path));
    }

    [Fact]
    public void NoCloud_HasIdentityNameAndKeys()
    {
        var files = MetadataDrive.Files(MetadataDrive.NoCloud, Subject.Document, [Subject.Port]);
        var meta = Parse(files.Single(f => f.Path == "meta-data").Content);
        Assert.Equal("0199-uid", meta.GetProperty("instance-id").GetString());
        Assert.Equal("web1.servers.example", meta.GetProperty("local-hostname").GetString());
        Assert.Equal(
            ["ssh-ed25519 AAAA ann", "ssh-rsa BBBB bob"], meta.GetProperty("public-keys").EnumerateArray().Select(k => k.GetString()!));
        Assert.Equal("\"db\"", meta.GetProperty("meta").GetProperty("role").GetString());
        Assert.Equal([0, 1, 255], files.Single(f => f.Path == "user-data").Content.ToArray());
    }

    private static JsonElement Parse(ReadOnlyMemory<byte> json) =>
        JsonDocument.Parse(Encoding.UTF8.GetString(json.Span)).RootElement.Clone();
}
