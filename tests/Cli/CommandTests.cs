using System.Security.Cryptography;
using Grpc.Core;
using Monolith.Api.V1;
using Monolith.Cli.Session;
using Monolith.Cli.Tests.Fake;
using Monolith.Compute.V1;
using Monolith.Network.V1;

namespace Monolith.Cli.Tests;

/// <summary>Commands from the command line to the wire, against a host on loopback.</summary>
public sealed class CommandTests
{
    [Fact]
    public async Task Create_SendsWhatTheLineSays()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        shell.Environment["MONOLITH_TOKEN"] = "secret";
        await File.WriteAllTextAsync(shell.FileAt("user-data"), "#cloud-config", TestContext.Current.CancellationToken);
        cloud.Images.Known.Add(new Monolith.Image.V1.Image { Name = "projects/system/images/debian" });

        var outcome = await shell.RunAsync(
            "server", "create", "web1", "--image", "debian", "--flavor", "small", "--key", "laptop",
            "--key", "other/desk", "--network", "default,address=10.64.0.9,sg=web",
            "--ready-port", "22", "--ready-timeout", "2m", "-l", "tier=web", "--delete-protected", "--metadata-drive", "config-drive",
            "--user-data", shell.FileAt("user-data"), "-o", "name");

        Assert.Equal((ExitCode.Done, "projects/demo/servers/web1\n"), (outcome.Code, outcome.Out));
        var sent = (CreateServerRequest)cloud.Servers.Requests.Single();
        Assert.Equal(("projects/demo", "web1"), (sent.Parent, sent.ServerId));
        Assert.True(Guid.TryParse(sent.RequestId, out _));
        Assert.Equal("projects/system/images/debian", sent.Server.Image);
        Assert.Equal("flavors/small", sent.Server.Flavor);
        Assert.Equal(["projects/demo/keyPairs/laptop", "projects/other/keyPairs/desk"], sent.Server.KeyPairs);
        var network = Assert.Single(sent.Server.Networks);
        Assert.Equal(("projects/demo/networks/default", "10.64.0.9"), (network.Network, network.Address));
        Assert.Equal(["projects/demo/securityGroups/web"], network.SecurityGroups);
        Assert.Equal((22, 120), (sent.Server.ReadyProbe.TcpPort, sent.Server.ReadyProbe.Timeout.Seconds));
        Assert.True(sent.Server.DeleteProtected);
        Assert.Equal(Server.Types.MetadataDrive.ConfigDrive, sent.Server.MetadataDrive);
        Assert.Equal("#cloud-config", sent.Server.UserData.ToStringUtf8());
        Assert.Equal("web", sent.Server.Labels["tier"]);
        Assert.Equal("Bearer secret", cloud.Servers.LastHeaders!.GetValue("authorization"));
        Assert.Matches("^00-[0-9a-f]{32}-[0-9a-f]{16}-01$", cloud.Servers.LastHeaders!.GetValue("traceparent"));
    }

    [Theory]
    [InlineData("family/debian", "projects/system/imageFamilies/debian")]
    [InlineData("family/own", "projects/demo/imageFamilies/own")]
    [InlineData("family/none", "projects/demo/imageFamilies/none")]
    [InlineData("other/family/debian", "projects/other/imageFamilies/debian")]
    [InlineData("projects/other/imageFamilies/debian", "projects/other/imageFamilies/debian")]
    [InlineData("other/debian-2", "projects/other/images/debian-2")]
    [InlineData("debian-2", "projects/system/images/debian-2")]
    public async Task Create_FromAFamily_NamesTheOneThatTheProjectSees(string written, string sent)
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        cloud.Images.Known.AddRange(
        [
            new() { Name = "projects/system/images/debian-1", Family = "debian" },
            new() { Name = "projects/system/images/debian-2", Family = "debian" },
            new() { Name = "projects/system/images/own-1", Family = "own" },
            new() { Name = "projects/demo/images/own-2", Family = "own" },
        ]);
        var outcome = await shell.RunAsync("server", "create", "web1", "--image", written, "--flavor", "small");
        Assert.Equal((ExitCode.Done, ""), (outcome.Code, outcome.Error));
        Assert.Equal(sent, ((CreateServerRequest)cloud.Servers.Requests.Single()).Server.Image);
    }

    [Fact]
    public async Task Create_FromAFamilyOfTwoProjects_AsksWhich()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        cloud.Images.Known.Add(new() { Name = "projects/a/images/x", Family = "debian" });
        cloud.Images.Known.Add(new() { Name = "projects/b/images/x", Family = "debian" });
        var outcome = await shell.RunAsync("server", "create", "web1", "--image", "family/debian", "--flavor", "small");
        Assert.Equal(ExitCode.Usage, outcome.Code);
        Assert.Contains("projects/a/imageFamilies/debian, projects/b/imageFamilies/debian", outcome.Error,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Create_FromADeprecatedImage_Warns()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        cloud.Servers.ImageWarning = "projects/demo/images/old is deprecated.";
        string[] line = ["server", "create", "web1", "--image", "demo/old", "--flavor", "small"];
        Assert.Equal("warning: projects/demo/images/old is deprecated.\n", (await shell.RunAsync(line)).Error);
        Assert.Equal("warning: projects/demo/images/old is deprecated.\n",
            (await shell.RunAsync([.. line, "--validate-only"])).Error);
        var outcome = await shell.RunAsync([.. line, "-o", "json"]);
        Assert.Empty(outcome.Error);
        Assert.Contains("imageWarning", outcome.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Image_IsUploadedWithWhatTheLineSays()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        await File.WriteAllBytesAsync(shell.FileAt("disk"), new byte[512], TestContext.Current.CancellationToken);
        var outcome = await shell.RunAsync("image", "upload", "debian-2", shell.FileAt("disk"), "--family", "debian",
            "--visibility", "shared", "--shared-with", "a", "--shared-with", "projects/b", "--deprecation", "deprecated",
            "--replacement", "family/debian", "--deprecation-message", "End of life.", "--hidden", "--delete-protected");
        Assert.Equal(ExitCode.Done, outcome.Code);
        Assert.Equal(new Monolith.Image.V1.Image
        {
            Family = "debian",
            Visibility = Monolith.Image.V1.Image.Types.Visibility.Shared,
            SharedWith = { "projects/a", "projects/b" },
            Deprecation = Monolith.Image.V1.Image.Types.Deprecation.Deprecated,
            Replacement = "projects/demo/imageFamilies/debian",
            DeprecationMessage = "End of life.",
            Hidden = true,
            DeleteProtected = true,
        }, cloud.Images.Header!.Image);
    }

    [Fact]
    public async Task Image_IsImported_AndAWaitShowsHowFarItIs()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        var sum = new string('a', 64);
        cloud.Images.Course.AddRange([Coming("12 of 50 MiB"), Coming("31 of 50 MiB"), new()
        {
            State = Monolith.Image.V1.Image.Types.State.Ready,
        }]);
        var outcome = await shell.RunAsync("image", "import", "debian-2", "https://images.example.com/disk", "--family", "debian",
            "--sha256", sum.ToUpperInvariant(), "--max-size", "2GiB", "--store-as", "qcow2", "--project", "demo", "--wait");
        Assert.Equal(ExitCode.Done, outcome.Code);
        Assert.Contains("Fetched waits: 12 of 50 MiB", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("IMPORTING -> READY", outcome.Error, StringComparison.Ordinal);
        var asked = cloud.Images.Imported!.Clone();
        asked.RequestId = "";
        Assert.Equal(new Monolith.Image.V1.ImportImageRequest
        {
            Parent = "projects/demo",
            ImageId = "debian-2",
            Image = new() { Family = "debian" },
            Url = "https://images.example.com/disk",
            Sha256 = sum,
            MaxSizeBytes = 2L << 30,
            StoreAs = Monolith.Image.V1.Image.Types.Format.Qcow2,
        }, asked);

        static Monolith.Image.V1.Image Coming(string words) => new()
        {
            State = Monolith.Image.V1.Image.Types.State.Importing,
            Conditions = { new Monolith.Api.V1.Condition
            {
                Type = "Fetched",
                Status = Monolith.Api.V1.Condition.Types.Status.Pending,
                Message = words,
            } },
        };
    }

    [Fact]
    public async Task Image_ThatCanNotBeImported_SaysWhy()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        cloud.Images.Course.Add(new()
        {
            State = Monolith.Image.V1.Image.Types.State.Failed,
            Conditions = { new Monolith.Api.V1.Condition
            {
                Type = "Verified",
                Status = Monolith.Api.V1.Condition.Types.Status.False,
                Reason = "WRONG_SHA256",
                Message = "the content has another sha256",
            } },
        });
        var outcome = await shell.RunAsync("image", "import", "debian-2", "https://images.example.com/disk", "--project", "demo", "-w");
        Assert.Equal(ExitCode.WaitedFailed, outcome.Code);
        Assert.Contains("Verified: WRONG_SHA256: the content has another sha256", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ACommand_IsOneTrace()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        cloud.Servers.Known.AddRange([new Server(), new Server(), new Server()]);
        var outcome = await shell.RunAsync("server", "list", "-v");
        var traces = System.Text.RegularExpressions.Regex.Matches(outcome.Error, "trace ([0-9a-f]{32})")
            .Select(match => match.Groups[1].Value).ToList();
        Assert.True(traces.Count >= 3, outcome.Error);
        Assert.Single(traces.Distinct());
    }

    [Fact]
    public async Task Create_OfWhatExists_WithExistOk_TakesIt()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        cloud.Servers.Refusal = new RpcException(new Status(StatusCode.AlreadyExists, "there"));
        cloud.Servers.Known.Add(new Server { Name = "projects/demo/servers/web1", State = Server.Types.State.Ready });
        string[] line = ["server", "create", "web1", "--image", "a/b", "--flavor", "small"];

        Assert.Equal(ExitCode.Conflict, (await shell.RunAsync(line)).Code);
        var outcome = await shell.RunAsync([.. line, "--exist-ok"]);
        Assert.Equal(ExitCode.Done, outcome.Code);
        Assert.Contains("READY", outcome.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task List_TurnsPagesUpToTheLimit()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        cloud.Servers.Known.AddRange(
            Enumerable.Range(0, 7).Select(i => new Server { Name = $"projects/demo/servers/s{i}" }));

        Assert.Equal(7, (await shell.RunAsync("server", "list", "-o", "name")).Out.Count(c => c == '\n'));
        var limited = await shell.RunAsync("server", "list", "-o", "name", "--limit", "3");
        Assert.Equal(3, limited.Out.Count(letter => letter == '\n'));
        var json = (await shell.RunAsync("server", "list", "-o", "json", "--filter", "state = READY")).Out;
        Assert.Equal(7, System.Text.Json.JsonDocument.Parse(json).RootElement.GetProperty("servers").GetArrayLength());
        Assert.Equal("state = READY", cloud.Servers.Requests.OfType<ListServersRequest>().Last().Filter);
    }

    [Fact]
    public async Task Project_IsTheOnlyOneThatIsSeen_OrAsked()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        Assert.Equal(ExitCode.Done, (await shell.RunAsync("server", "list")).Code);
        cloud.Identity.Projects.Add("other");
        var outcome = await shell.RunAsync("server", "list");
        Assert.Equal(ExitCode.Usage, outcome.Code);
        Assert.Contains("Which project? You can see demo, other.", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("--project", outcome.Error, StringComparison.Ordinal);
        shell.Environment["MONOLITH_PROJECT"] = "other";
        await shell.RunAsync("server", "list");
        Assert.Equal("projects/other", cloud.Servers.Requests.OfType<ListServersRequest>().Last().Parent);
    }

    [Fact]
    public async Task RuleAdd_WhenSomebodyElseEdits_LosesNeither()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        cloud.Groups.Interference.Enqueue(
            new SecurityRule { Protocol = SecurityRule.Types.Protocol.Udp, PortMin = 53, PortMax = 53 });
        cloud.Groups.Interference.Enqueue(new SecurityRule { Protocol = SecurityRule.Types.Protocol.Icmp });

        var outcome = await shell.RunAsync("sg", "rule", "add", "web", "tcp:80", "tcp:443@10.0.0.0/8", "any@lb");

        Assert.Equal(ExitCode.Done, outcome.Code);
        Assert.Equal(5, cloud.Groups.Kept.Rules.Count);
        Assert.Contains(cloud.Groups.Kept.Rules, rule => rule.RemoteGroup == "projects/demo/securityGroups/lb");
        outcome = await shell.RunAsync("sg", "rule", "remove", "web", "tcp:80");
        Assert.Equal((ExitCode.Done, 4), (outcome.Code, cloud.Groups.Kept.Rules.Count));
        outcome = await shell.RunAsync("sg", "rule", "remove", "web", "tcp:81");
        Assert.Equal((ExitCode.Usage, 4), (outcome.Code, cloud.Groups.Kept.Rules.Count));
    }

    [Fact]
    public async Task Image_GoesThereAndBack()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        var content = new byte[3_500_000];
        new Random(7).NextBytes(content);
        await File.WriteAllBytesAsync(shell.FileAt("disk"), content, TestContext.Current.CancellationToken);
        var sum = Convert.ToHexStringLower(SHA256.HashData(content));

        var outcome = await shell.RunAsync(
            "image", "upload", "debian", shell.FileAt("disk"), "--visibility", "public", "--sha256", sum);
        Assert.Equal(ExitCode.Done, outcome.Code);
        Assert.Equal(content, cloud.Images.Content);
        Assert.Equal((sum, content.Length), (cloud.Images.Header!.Sha256, cloud.Images.Header.SizeBytes));
        Assert.Equal(Monolith.Image.V1.Image.Types.Visibility.Public, cloud.Images.Header.Image.Visibility);

        // Part of it is there from a download that broke.
        await File.WriteAllBytesAsync(
            shell.FileAt("back.part"), content[..1_000_000], TestContext.Current.CancellationToken);
        Assert.Equal(ExitCode.Done, (await shell.RunAsync("image", "download", "debian", shell.FileAt("back"))).Code);
        Assert.Equal(content,
            await File.ReadAllBytesAsync(shell.FileAt("back"), TestContext.Current.CancellationToken));
        Assert.False(File.Exists(shell.FileAt("back.part")));
    }

    [Fact]
    public async Task Upload_OfTheWrongFile_SendsNothing()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        await File.WriteAllTextAsync(shell.FileAt("disk"), "x", TestContext.Current.CancellationToken);
        var outcome = await shell.RunAsync(
            "image", "upload", "debian", shell.FileAt("disk"), "--sha256", new string('0', 64));
        Assert.Equal(ExitCode.Usage, outcome.Code);
        Assert.Null(cloud.Images.Header);
    }

    [Fact]
    public async Task Upload_ThatIsRefusedEarly_SaysWhy()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        cloud.Images.Refuses = StatusCode.InvalidArgument;
        await File.WriteAllBytesAsync(
            shell.FileAt("disk"), new byte[20_000_000], TestContext.Current.CancellationToken);
        var outcome = await shell.RunAsync("image", "upload", "debian", shell.FileAt("disk"));
        Assert.Equal(ExitCode.Refused, outcome.Code);
        Assert.Contains("refused early", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Watch_WritesChangesUntilItIsInterrupted()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        var server = new Server { Name = "projects/demo/servers/web1", State = Server.Types.State.Ready };
        cloud.Servers.Watches.Enqueue(new Connection(
            [new WatchServersResponse { Change = ChangeType.Added, Server = server }], StatusCode.PermissionDenied));
        var outcome = await shell.RunAsync("server", "watch");
        Assert.Equal(ExitCode.NotAllowed, outcome.Code);
        Assert.Matches("ADDED +web1 +READY", outcome.Out);
    }

    [Fact]
    public async Task Upload_OnATerminal_DrawsABar()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud, interactive: true);
        await File.WriteAllBytesAsync(shell.FileAt("disk"), new byte[2_000_000], TestContext.Current.CancellationToken);
        var outcome = await shell.RunAsync("image", "upload", "debian", shell.FileAt("disk"));
        Assert.Equal(ExitCode.Done, outcome.Code);
        Assert.Contains($"{new string('━', 32)}  1.9 MiB of 1.9 MiB", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnAt_IsAName_NotAFile()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        // The fake host keeps no records: that the call got there is all that is asked.
        var outcome = await shell.RunAsync("record", "create", "@", "MX", "10 mail", "--zone", "corp", "-v");
        Assert.Contains("CreateRecordSet Unimplemented", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    [System.Runtime.Versioning.SupportedOSPlatform("linux")]
    public async Task Config_KeepsContextsForTheirOwnerAlone()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = new Shell();
        Assert.Equal(ExitCode.Done, (await shell.RunAsync(
            "config", "save", "lab", "--endpoint", cloud.Endpoint, "--token", "secret", "--project", "other")).Code);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(shell.ConfigurationFile));
        Assert.Equal(ExitCode.Done, (await shell.RunAsync("server", "list")).Code);
        Assert.Equal("projects/other", cloud.Servers.Requests.OfType<ListServersRequest>().Single().Parent);
        Assert.DoesNotContain("secret", (await shell.RunAsync("config", "show")).Out, StringComparison.Ordinal);
        Assert.Contains("* lab", (await shell.RunAsync("config", "list")).Out, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Usage, (await shell.RunAsync("server", "list", "--context", "none")).Code);
    }

    [Fact]
    public async Task AgentJoin_WithoutAnAgent_SaysWhatToInstall()
    {
        using var shell = new Shell();
        var outcome = await shell.RunAsync("agent", "join", "--host", "h:5443", "--token", "mj1.x");
        Assert.Equal(ExitCode.Usage, outcome.Code);
        Assert.Contains("monolith-agent is not installed", outcome.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("list")]
    [InlineData("run", "small", "--hypervisors", "5")]
    [InlineData("run", "--help")]
    [InlineData]
    public async Task Fleet_IsTheProgramsOwn_AndWithoutIt_SaysWhereToPutIt(params string[] arguments)
    {
        using var shell = new Shell();
        var outcome = await shell.RunAsync(["fleet", .. arguments]);
        Assert.Equal(ExitCode.Usage, outcome.Code);
        Assert.Contains("monolith-fleet is not installed", outcome.Error, StringComparison.Ordinal);
    }
}
