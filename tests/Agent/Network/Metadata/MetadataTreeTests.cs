using System.Text;
using System.Text.Json;
using Monolith.Agent.Network.Metadata;

namespace Monolith.Agent.Tests.Network.Metadata;

public sealed class MetadataTreeTests
{
    internal static readonly MetadataSubject Subject = new(
        new MetadataDocument(
            "0199-uid", "web1.servers.example", [new("ann", "ssh-ed25519 AAAA ann"), new("bob", "ssh-rsa BBBB bob")],
            new byte[] { 0, 1, 255 }, "az2", new Dictionary<string, string> { ["role"] = "\"db\"" }),
        Lab.DataPlaneLab.Plan(7),
        System.Net.IPAddress.Parse("10.64.0.7"));

    [Theory]
    [InlineData("/latest/meta-data/instance-id", "0199-uid")]
    [InlineData("/latest/meta-data/hostname", "web1.servers.example")]
    [InlineData("/2009-04-04/meta-data/local-ipv4", "10.64.0.7")]
    [InlineData("/latest/meta-data/mac", "52:54:00:00:00:07")]
    [InlineData("/latest/meta-data/placement/availability-zone", "az2")]
    [InlineData("/latest/meta-data/public-keys/", "0=ann\n1=bob")]
    [InlineData("/latest/meta-data/public-keys/1/openssh-key", "ssh-rsa BBBB bob")]
    [InlineData("/latest/", "meta-data/\nuser-data")]
    [InlineData("/openstack", "2018-08-27\nlatest")]
    [InlineData("/openstack/latest/vendor_data.json", "{}")]
    public void Path_GivesItsText(string path, string expected)
    {
        var answer = Get(path);
        Assert.Equal(200, answer.Status);
        Assert.Equal(expected, Encoding.UTF8.GetString(answer.Body.Span));
    }

    [Theory]
    [InlineData("/latest/meta-data/public-keys/2/openssh-key")]
    [InlineData("/latest/meta-data/public-keys/-1/openssh-key")]
    [InlineData("/latest/dynamic/instance-identity/document")]
    [InlineData("/openstack/latest/password")]
    public void UnknownPath_IsNotFound(string path) => Assert.Equal(404, Get(path).Status);

    [Fact]
    public void UserData_IsTheUsersBytes() =>
        Assert.Equal(new byte[] { 0, 1, 255 }, Get("/openstack/latest/user_data").Body.ToArray());

    [Fact]
    public void NoUserData_IsNotFound() => Assert.Equal(
        404,
        MetadataTree.Answer(
            new HttpRequest("GET", "/latest/user-data"),
            Subject with { Document = Subject.Document with { UserData = default } }).Status);

    [Fact]
    public void OtherMethods_AreNotAllowed()
    {
        Assert.Equal(405, MetadataTree.Answer(new HttpRequest("POST", "/latest"), Subject).Status);
        Assert.Equal(405, MetadataTree.Answer(new HttpRequest("PUT", "/latest/meta-data"), Subject).Status);
        Assert.Equal(200, MetadataTree.Answer(new HttpRequest("PUT", "/latest/api/token"), Subject).Status);
    }

    [Fact]
    public void OpenStackDocuments_AreJson()
    {
        using var meta = JsonDocument.Parse(Get("/openstack/2018-08-27/meta_data.json").Body);
        Assert.Equal("web1", meta.RootElement.GetProperty("name").GetString());
        Assert.Equal("az2", meta.RootElement.GetProperty("availability_zone").GetString());
        Assert.Equal(2, meta.RootElement.GetProperty("keys").GetArrayLength());
        Assert.Equal("\"db\"", meta.RootElement.GetProperty("meta").GetProperty("role").GetString());
        using var network = JsonDocument.Parse(Get("/openstack/latest/network_data.json").Body);
        Assert.Equal("52:54:00:00:00:07",
            network.RootElement.GetProperty("links")[0].GetProperty("ethernet_mac_address").GetString());
        var networks = network.RootElement.GetProperty("networks");
        Assert.Equal("ipv4_dhcp", networks[0].GetProperty("type").GetString());
        Assert.Equal("fd64::7", networks[1].GetProperty("ip_address").GetString());
        Assert.Equal(2, network.RootElement.GetProperty("services").GetArrayLength());
    }

    private static HttpAnswer Get(string path) => MetadataTree.Answer(new HttpRequest("GET", path), Subject);
}
