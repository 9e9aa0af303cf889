using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Monolith.Agent.Network.Metadata;

namespace Monolith.Agent.Tests.Network.Metadata;

/// <summary>What a guest is told of who may log in.</summary>
public sealed class GuestLoginTests
{
    private static readonly GuestLogin Login = new(["ecdsa-sha2-nistp256 AAAA", "ecdsa-sha2-nistp256 BBBB"], "uid:root", "uid:login");

    private static readonly MetadataSubject Subject =
        MetadataTreeTests.Subject with { Document = MetadataTreeTests.Subject.Document with { Login = Login } };

    [Theory]
    [InlineData("/monolith/latest/login", "authorities\nprincipals/")]
    [InlineData("/monolith/latest/login/authorities", "ecdsa-sha2-nistp256 AAAA\necdsa-sha2-nistp256 BBBB")]
    [InlineData("/monolith/latest/login/principals", "login\nroot")]
    [InlineData("/monolith/latest/login/principals/login", "uid:login")]
    [InlineData("/monolith/latest/login/principals/root", "uid:root")]
    public void WhoAsks_IsTold(string path, string text)
    {
        var answer = MetadataTree.Answer(new HttpRequest("GET", path), Subject);
        Assert.Equal((200, text), (answer.Status, Encoding.UTF8.GetString(answer.Body.Span)));
        Assert.Equal(404, MetadataTree.Answer(new HttpRequest("GET", path), MetadataTreeTests.Subject).Status);
    }

    [Fact]
    public void VendorData_SayItToCloudInit_WhereverItLooks()
    {
        var service = MetadataTree.Answer(new HttpRequest("GET", "/openstack/latest/vendor_data.json"), Subject);
        Assert.Equal(Login.VendorData(), JsonDocument.Parse(service.Body).RootElement.GetProperty("cloud-init").GetString());
        var seed = MetadataDrive.Files(MetadataDrive.NoCloud, Subject.Document, [Subject.Port]).Single(f => f.Path == "vendor-data");
        Assert.Equal(Login.VendorData(), Encoding.UTF8.GetString(seed.Content.Span));
    }

    /// <summary>A boot hook: it is done before the SSH server starts, and whatever the user's own data replace.</summary>
    [Fact]
    public async Task VendorData_AreAScript_WithNothingLeftToFillIn()
    {
        var text = Login.VendorData();
        Assert.StartsWith("#cloud-boothook\n#!/bin/sh\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain("@AUTHORITIES@", text, StringComparison.Ordinal);
        Assert.DoesNotContain("@ROOT@", text, StringComparison.Ordinal);
        Assert.DoesNotContain("@LOGIN@", text, StringComparison.Ordinal);
        using var shell = Process.Start(new ProcessStartInfo("sh", ["-n"]) { RedirectStandardInput = true })!;
        await shell.StandardInput.WriteAsync(text);
        shell.StandardInput.Close();
        await shell.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, shell.ExitCode);
    }
}
