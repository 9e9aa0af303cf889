using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Monolith.Agent.V1;
using Monolith.Compute.V1;
using Monolith.Host.Tests.Cloud;
using Monolith.Host.Tests.Input;
using Monolith.Identity.V1;
using Monolith.Protos;

namespace Monolith.Host.Tests.Agents;

/// <summary>Machines that are not who they say, or ask for what is not theirs, are refused and told why.</summary>
public sealed class AgentTests(RunningHost host)
{
    [Fact]
    public async Task AJoinToken_ThatIsWrongUsedOrExpired_IsRefusedWithTheCause()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var thief = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var token = await host.JoinTokenAsync("joiner", NodeRole.Hypervisor);
        var parts = token.Split('.');
        string Forged(int part, string text) => string.Join('.', parts.Select((p, i) => i == part ? text : p));

        await RefusedAsync("nonsense", key, StatusCode.InvalidArgument, "TOKEN_MALFORMED");
        await RefusedAsync(Forged(2, new string('A', 43)), key, StatusCode.PermissionDenied, "TOKEN_UNKNOWN");
        await RefusedAsync(Forged(3, new string('0', 64)), key, StatusCode.PermissionDenied, "TOKEN_UNKNOWN");
        await RefusedAsync(Forged(1, "emulated1"), key, StatusCode.PermissionDenied, "TOKEN_OTHER_NODE");
        Assert.Equal("joiner", (await host.JoinAsync(token, key)).Node);
        await RefusedAsync(token, thief, StatusCode.PermissionDenied, "TOKEN_USED");

        var late = await host.JoinTokenAsync("latecomer", NodeRole.Hypervisor);
        await ExecuteAsync("UPDATE join_tokens SET \"ExpireTime\" = '2020-01-01 00:00:00' WHERE \"Node\" = 'latecomer'");
        await RefusedAsync(late, key, StatusCode.PermissionDenied, "TOKEN_EXPIRED");
    }

    [Fact]
    public async Task ACertificateOfAnotherAuthority_IsRefusedWithTheCause()
    {
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var authority = new CertificateRequest("CN=Monolith", authorityKey, HashAlgorithmName.SHA256);
        authority.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var root = authority.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=emulated1", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddUri(new Uri($"monolith://nodes/emulated1?role=hypervisor&uid={Guid.NewGuid()}"));
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.2")], false));
        using var issued = request.Create(root, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1),
            RandomNumberGenerator.GetBytes(8));
        using var shown = Joining.WithKey(issued, key);
        using var channel = host.Channel(shown);

        var api = new ApiClient(channel.CreateCallInvoker());
        var answer = await api.CallWithAsync(Sync("VmSyncService.SyncVms"), Greeting);
        Assert.Equal((StatusCode.Unauthenticated, "CERTIFICATE_UNKNOWN"), (answer.Code, answer.Info?.Reason));
    }

    [Fact]
    public async Task ANode_HasItsOwnRolesStreams_AndNoOthers()
    {
        using var hypervisor = await host.JoinedAsync("probe-hv", NodeRole.Hypervisor);
        using var balancer = await host.JoinedAsync("probe-lb", NodeRole.LoadBalancer);
        var (hv, lb) = (new ApiClient(hypervisor.CreateCallInvoker()), new ApiClient(balancer.CreateCallInvoker()));
        await DeniedAsync(lb, "VmSyncService.SyncVms", "agent.vms.sync");
        await DeniedAsync(lb, "PortSyncService.SyncPorts", "agent.ports.sync");
        var blob = new ReadBlobRequest { Sha256 = new string('0', 64) };
        await DeniedAsync(lb, "BlobService.ReadBlob", "agent.blobs.read", blob);
        await DeniedAsync(lb, "ConsoleService.CarrySession", "agent.consoles.carry", new CarrySessionRequest { Session = "s" });
        await DeniedAsync(lb, "BlobSourceService.FindBlobSource", "agent.blobs.read", new FindBlobSourceRequest());
        await DeniedAsync(lb, "SnapshotService.UploadSnapshot", "agent.snapshots.upload", new UploadSnapshotRequest());
        await DeniedAsync(hv, "LoadBalancerSyncService.SyncLoadBalancers", "agent.loadBalancers.sync");
        var opened = await lb.CallWithAsync(Sync("LoadBalancerSyncService.SyncLoadBalancers"), Greeting);
        Assert.Equal(StatusCode.OK, opened.Code);
        // And nothing of people's.
        foreach (var method in Methods.All.Where(m => !m.IsOpen && !m.IsAgents))
        {
            var answer = await hv.CallAsync(method.Descriptor, null, method.At("own", "r1"));
            Assert.True(answer.Code is StatusCode.PermissionDenied, $"{method}: {answer}");
        }
    }

    /// <summary>A hypervisor reads the images that its own vms start from.</summary>
    [Fact]
    public async Task AnotherHypervisorsImage_IsNotFound_JustAsAnAbsentOne()
    {
        using var channel = await host.JoinedAsync("probe-blobs", NodeRole.Hypervisor);
        var image = await new Image.V1.ImageService.ImageServiceClient(host.Invoker).GetImageAsync(
            new() { Name = "projects/own/images/r1" }, host.Headers());
        foreach (var sha256 in new[] { image.Sha256, new string('0', 64), "", "../../identity.db" })
        {
            var answer = await new ApiClient(channel.CreateCallInvoker()).CallAsync(Sync("BlobService.ReadBlob"), null,
                new ReadBlobRequest { Sha256 = sha256 });
            Assert.True(answer.Code is StatusCode.NotFound or StatusCode.InvalidArgument, answer.ToString());
            Assert.NotNull(answer.Info);
            // Nor is it told who has it.
            answer = await new ApiClient(channel.CreateCallInvoker()).CallAsync(Sync("BlobSourceService.FindBlobSource"), null,
                new FindBlobSourceRequest { Sha256 = sha256 });
            Assert.Equal(StatusCode.NotFound, answer.Code);
        }
    }

    [Fact]
    public async Task WhatANodeSaysOfAnothersServer_CountsForNothing()
    {
        var servers = new ServerService.ServerServiceClient(host.Invoker);
        Server? server = null;
        await RunningHost.UntilAsync(async () =>
        {
            server = await servers.GetServerAsync(new() { Name = "projects/own/servers/s1" }, host.Headers());
            return server.State == Server.Types.State.Ready;
        }, "the server is ready");
        var vm = await ScalarAsync("compute", "SELECT \"Uid\" FROM vms WHERE \"ServerName\" = 'projects/own/servers/s1'");
        using var channel = await host.JoinedAsync("probe-liar", NodeRole.Hypervisor);
        using var call = new VmSyncService.VmSyncServiceClient(channel).SyncVms(Greeting);
        Assert.True(await call.ResponseStream.MoveNext());
        await call.RequestStream.WriteAsync(new()
        {
            Status = new() { Id = vm, Generation = 99, State = VmStatus.Types.State.Gone, ReportDigest = "x" },
        });
        // A message that ends the stream: the one before was read by then.
        await call.RequestStream.WriteAsync(new());
        var e = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (await call.ResponseStream.MoveNext())
            {
            }
        });
        Assert.Equal(StatusCode.InvalidArgument, e.StatusCode);
        Assert.Equal(server, await servers.GetServerAsync(new() { Name = "projects/own/servers/s1" }, host.Headers()));
    }

    /// <summary>As its bytes, or, where no library would send it, as the text of the header; null: none.</summary>
    public static TheoryData<string?, string> BadHellos => new()
    {
        { null, "is missing" },
        { Convert.ToBase64String(new byte[HelloHeader.MaxBytes + 1]), "at most 4096 bytes, and has 4097" },
        { Convert.ToBase64String([0xff]), "cannot be read" },
        { "{not base64}", "cannot be read" },
    };

    [Theory]
    [MemberData(nameof(BadHellos))]
    public async Task AHello_ThatIsMissing_TooLarge_OrUnreadable_IsInvalid(string? header, string words)
    {
        foreach (var method in Methods.All.Where(m => m.Permission.EndsWith(".sync", StringComparison.Ordinal)))
        {
            using var channel = await host.JoinedAsync("mute-" + Guid.NewGuid().ToString("N"), RoleFor(method), header);
            var answer = await new ApiClient(channel.CreateCallInvoker()).CallWithAsync(method.Descriptor, []);
            Assert.Equal(StatusCode.InvalidArgument, answer.Code);
            var field = Assert.Single(answer.Fields);
            Assert.Equal(HelloHeader.Name, field.Field);
            Assert.Contains(words, field.Description, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task AHello_AsLargeAsItMayBe_IsAnswered()
    {
        using var channel = await host.JoinedAsync("wordy", NodeRole.Hypervisor);
        var hello = new Hello { StatusDigest = new string('x', HelloHeader.MaxBytes - 3) };
        Assert.Equal(HelloHeader.MaxBytes, hello.CalculateSize());
        using var call = new PortSyncService.PortSyncServiceClient(channel).SyncPorts(HelloHeader.Of(hello));
        Assert.True(await call.ResponseStream.MoveNext());
        Assert.True(call.ResponseStream.Current.InSync.SendStatuses);
    }

    public static TheoryData<string> AgentMethods => Methods.Named(m => m.IsAgents);

    [Theory]
    [MemberData(nameof(AgentMethods))]
    public async Task RubbishFromANode_IsInvalid_AndNeverOurFault(string name)
    {
        var method = Methods.Find(name);
        using var channel = await host.JoinedAsync("rubbish-" + method.Descriptor.Name.ToLowerInvariant(), RoleFor(method));
        var api = new ApiClient(channel.CreateCallInvoker());
        var seed = Random.Shared.Next();
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var rubbish = new Rubbish(new Random(seed));
        for (var round = 0; round < 20; round++)
        {
            var requests = Enumerable.Range(0, method.Descriptor.IsClientStreaming ? 4 : 1)
                .Select(_ => rubbish.Make(method.Descriptor.InputType)).ToArray();
            // Half of the streams begin well.
            var hello = round % 2 == 0 ? new Hello() : (Hello)rubbish.Make(Hello.Descriptor);
            // A machine of that size would be given other tests' servers.
            hello.Inventory = null;
            var answer = await api.CallWithAsync(
                method.Descriptor, HelloHeader.Of(hello), TimeSpan.FromSeconds(2), requests);
            Assert.True(answer.Code is StatusCode.OK or StatusCode.InvalidArgument or StatusCode.NotFound
                or StatusCode.Aborted, $"seed {seed}, round {round}: {answer}");
            if (answer.Code == StatusCode.InvalidArgument) Assert.NotEmpty(answer.Fields);
        }
        await host.AliveAsync();
    }

    /// <summary>The network may keep a dead connection for minutes: the agent's new stream ends the old one.</summary>
    [Fact]
    public async Task ANewerStream_EndsTheOlder_WithTheCause()
    {
        using var hypervisor = await host.JoinedAsync("twice-hv", NodeRole.Hypervisor);
        using var balancer = await host.JoinedAsync("twice-lb", NodeRole.LoadBalancer);
        await ReplacedAsync(() => new VmSyncService.VmSyncServiceClient(hypervisor).SyncVms(Greeting));
        await ReplacedAsync(() => new PortSyncService.PortSyncServiceClient(hypervisor).SyncPorts(Greeting));
        await ReplacedAsync(() =>
            new LoadBalancerSyncService.LoadBalancerSyncServiceClient(balancer).SyncLoadBalancers(Greeting));
        var hypervisors = new HypervisorService.HypervisorServiceClient(host.Invoker);
        await RunningHost.UntilAsync(async () => (await hypervisors.GetHypervisorAsync(
            new() { Name = "hypervisors/twice-hv" }, host.Headers())).State == Hypervisor.Types.State.Down, "it is down");

        static async Task ReplacedAsync<TRequest, TResponse>(Func<AsyncDuplexStreamingCall<TRequest, TResponse>> open)
        {
            using var older = open();
            Assert.True(await older.ResponseStream.MoveNext(default));
            using var newer = open();
            var e = await Assert.ThrowsAsync<RpcException>(async () =>
            {
                while (await older.ResponseStream.MoveNext(default))
                {
                }
            });
            Assert.Equal((StatusCode.Aborted, "STREAM_REPLACED"),
                (e.StatusCode, e.GetRpcStatus()?.GetDetail<Google.Rpc.ErrorInfo>()?.Reason));
        }
    }

    /// <summary>A machine that the operator removed does not come back.</summary>
    [Fact]
    public async Task ADeletedHypervisor_IsForgotten()
    {
        using var channel = await host.JoinedAsync("leaver", NodeRole.Hypervisor);
        var api = new ApiClient(channel.CreateCallInvoker());
        using (var call = new VmSyncService.VmSyncServiceClient(channel).SyncVms(Greeting))
            Assert.True(await call.ResponseStream.MoveNext());
        var hypervisors = new HypervisorService.HypervisorServiceClient(host.Invoker);
        await RunningHost.UntilAsync(async () => (await hypervisors.GetHypervisorAsync(
            new() { Name = "hypervisors/leaver" }, host.Headers())).State == Hypervisor.Types.State.Down, "it is down");
        await hypervisors.DeleteHypervisorAsync(new() { Name = "hypervisors/leaver" }, host.Headers());
        var answer = await api.CallWithAsync(Sync("VmSyncService.SyncVms"), Greeting);
        Assert.Equal((StatusCode.Unauthenticated, "NODE_UNKNOWN"), (answer.Code, answer.Info?.Reason));
    }

    /// <summary>Of a node that holds nothing; nothing else is needed for an answer.</summary>
    static Metadata Greeting => HelloHeader.Of(new Hello());

    static Google.Protobuf.Reflection.MethodDescriptor Sync(string name) => Methods.Find("monolith.agent.v1." + name).Descriptor;

    static NodeRole RoleFor(ApiMethod method) =>
        method.Permission == "agent.loadBalancers.sync" ? NodeRole.LoadBalancer : NodeRole.Hypervisor;

    static async Task DeniedAsync(ApiClient api, string method, string permission, params IMessage[] requests)
    {
        var answer = await api.CallWithAsync(Sync(method), Greeting, requests);
        Assert.Equal((StatusCode.PermissionDenied, permission), (answer.Code, answer.Info?.Metadata["permission"]));
    }

    async Task RefusedAsync(string token, ECDsa key, StatusCode code, string reason)
    {
        var e = await Assert.ThrowsAsync<RpcException>(() => host.JoinAsync(token, key));
        var info = e.GetRpcStatus()?.GetDetail<Google.Rpc.ErrorInfo>();
        Assert.Equal((code, reason), (e.StatusCode, info?.Reason));
        Assert.Contains("CreateJoinToken", e.Status.Detail, StringComparison.Ordinal);
    }

    Task ExecuteAsync(string sql) => ScalarAsync("identity", sql);

    async Task<string> ScalarAsync(string module, string sql)
    {
        await using var connection = await host.ConnectAsync(module);
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        return (await command.ExecuteScalarAsync())?.ToString() ?? "";
    }
}
