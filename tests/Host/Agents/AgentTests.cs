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
        Assert.Equal("joiner", (await JoinAsync(token, key)).Node);
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
        using var shown = WithKey(issued, key);
        using var channel = host.Channel(shown);

        var answer = await new ApiClient(channel.CreateCallInvoker()).CallAsync(Sync("VmSyncService.SyncVms"), null,
            new SyncVmsRequest { Hello = new() });
        Assert.Equal((StatusCode.Unauthenticated, "CERTIFICATE_UNKNOWN"), (answer.Code, answer.Info?.Reason));
    }

    [Fact]
    public async Task ANode_HasItsOwnRolesStreams_AndNoOthers()
    {
        using var hypervisor = await JoinedAsync("probe-hv", NodeRole.Hypervisor);
        using var balancer = await JoinedAsync("probe-lb", NodeRole.LoadBalancer);
        var (hv, lb) = (new ApiClient(hypervisor.CreateCallInvoker()), new ApiClient(balancer.CreateCallInvoker()));
        var (vms, balancers) = (new SyncVmsRequest { Hello = new() }, new SyncLoadBalancersRequest { Hello = new() });
        await DeniedAsync(lb, "VmSyncService.SyncVms", vms, "agent.vms.sync");
        await DeniedAsync(lb, "PortSyncService.SyncPorts", new SyncPortsRequest { Hello = new() }, "agent.ports.sync");
        await DeniedAsync(lb, "BlobService.ReadBlob", new ReadBlobRequest { Sha256 = new string('0', 64) }, "agent.blobs.read");
        await DeniedAsync(hv, "LoadBalancerSyncService.SyncLoadBalancers", balancers, "agent.loadBalancers.sync");
        Assert.Equal(StatusCode.OK, (await lb.CallAsync(Sync("LoadBalancerSyncService.SyncLoadBalancers"), null, balancers)).Code);
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
        using var channel = await JoinedAsync("probe-blobs", NodeRole.Hypervisor);
        var image = await new Image.V1.ImageService.ImageServiceClient(host.Invoker).GetImageAsync(
            new() { Name = "projects/own/images/r1" }, host.Headers());
        foreach (var sha256 in new[] { image.Sha256, new string('0', 64), "", "../../identity.db" })
        {
            var answer = await new ApiClient(channel.CreateCallInvoker()).CallAsync(Sync("BlobService.ReadBlob"), null,
                new ReadBlobRequest { Sha256 = sha256 });
            Assert.True(answer.Code is StatusCode.NotFound or StatusCode.InvalidArgument, answer.ToString());
            Assert.NotNull(answer.Info);
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
        using var channel = await JoinedAsync("probe-liar", NodeRole.Hypervisor);
        using var call = new VmSyncService.VmSyncServiceClient(channel).SyncVms();
        await call.RequestStream.WriteAsync(new() { Hello = new() });
        Assert.True(await call.ResponseStream.MoveNext());
        await call.RequestStream.WriteAsync(new()
        {
            Status = new() { Id = vm, Generation = 99, State = VmStatus.Types.State.Gone, ReportDigest = "x" },
        });
        // A message that ends the stream: the one before was read by then.
        await call.RequestStream.WriteAsync(new() { Hello = new() });
        var e = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (await call.ResponseStream.MoveNext())
            {
            }
        });
        Assert.Equal(StatusCode.InvalidArgument, e.StatusCode);
        Assert.Equal(server, await servers.GetServerAsync(new() { Name = "projects/own/servers/s1" }, host.Headers()));
    }

    public static TheoryData<string> AgentMethods => Methods.Named(m => m.IsAgents);

    [Theory]
    [MemberData(nameof(AgentMethods))]
    public async Task RubbishFromANode_IsInvalid_AndNeverOurFault(string name)
    {
        var method = Methods.Find(name);
        var role = method.Permission == "agent.loadBalancers.sync" ? NodeRole.LoadBalancer : NodeRole.Hypervisor;
        using var channel = await JoinedAsync("rubbish-" + method.Descriptor.Name.ToLowerInvariant(), role);
        var api = new ApiClient(channel.CreateCallInvoker());
        var seed = Random.Shared.Next();
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var rubbish = new Rubbish(new Random(seed));
        for (var round = 0; round < 20; round++)
        {
            IMessage[] requests = [rubbish.Make(method.Descriptor.InputType)];
            // Half of the streams begin well.
            if (method.Descriptor.IsClientStreaming && round % 2 == 0)
                requests = [Greeting(method), .. Enumerable.Range(0, 4).Select(_ => rubbish.Make(method.Descriptor.InputType))];
            // A machine of that size would be given other tests' servers.
            foreach (var sync in requests.OfType<SyncVmsRequest>())
                if (sync.Hello is { } hello) hello.Inventory = null;
            var answer = await api.CallAsync(method.Descriptor, null, TimeSpan.FromSeconds(2), requests);
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
        using var hypervisor = await JoinedAsync("twice-hv", NodeRole.Hypervisor);
        using var balancer = await JoinedAsync("twice-lb", NodeRole.LoadBalancer);
        await ReplacedAsync(() => new VmSyncService.VmSyncServiceClient(hypervisor).SyncVms(), new() { Hello = new() });
        await ReplacedAsync(() => new PortSyncService.PortSyncServiceClient(hypervisor).SyncPorts(), new() { Hello = new() });
        await ReplacedAsync(() => new LoadBalancerSyncService.LoadBalancerSyncServiceClient(balancer).SyncLoadBalancers(),
            new() { Hello = new() });
        var hypervisors = new HypervisorService.HypervisorServiceClient(host.Invoker);
        await RunningHost.UntilAsync(async () => (await hypervisors.GetHypervisorAsync(
            new() { Name = "hypervisors/twice-hv" }, host.Headers())).State == Hypervisor.Types.State.Down, "it is down");

        static async Task ReplacedAsync<TRequest, TResponse>(
            Func<AsyncDuplexStreamingCall<TRequest, TResponse>> open, TRequest hello)
        {
            using var older = open();
            await older.RequestStream.WriteAsync(hello);
            Assert.True(await older.ResponseStream.MoveNext(default));
            using var newer = open();
            await newer.RequestStream.WriteAsync(hello);
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
        using var channel = await JoinedAsync("leaver", NodeRole.Hypervisor);
        var api = new ApiClient(channel.CreateCallInvoker());
        using (var call = new VmSyncService.VmSyncServiceClient(channel).SyncVms())
        {
            await call.RequestStream.WriteAsync(new() { Hello = new() });
            Assert.True(await call.ResponseStream.MoveNext());
        }
        var hypervisors = new HypervisorService.HypervisorServiceClient(host.Invoker);
        await RunningHost.UntilAsync(async () => (await hypervisors.GetHypervisorAsync(
            new() { Name = "hypervisors/leaver" }, host.Headers())).State == Hypervisor.Types.State.Down, "it is down");
        await hypervisors.DeleteHypervisorAsync(new() { Name = "hypervisors/leaver" }, host.Headers());
        var answer = await api.CallAsync(Sync("VmSyncService.SyncVms"), null, new SyncVmsRequest { Hello = new() });
        Assert.Equal((StatusCode.Unauthenticated, "NODE_UNKNOWN"), (answer.Code, answer.Info?.Reason));
    }

    static IMessage Greeting(ApiMethod method)
    {
        var request = method.Empty();
        var hello = method.Descriptor.InputType.FindFieldByName("hello");
        hello.Accessor.SetValue(request, new Hello());
        return request;
    }

    static Google.Protobuf.Reflection.MethodDescriptor Sync(string name) => Methods.Find("monolith.agent.v1." + name).Descriptor;

    static async Task DeniedAsync(ApiClient api, string method, IMessage request, string permission)
    {
        var answer = await api.CallAsync(Sync(method), null, request);
        Assert.Equal((StatusCode.PermissionDenied, permission), (answer.Code, answer.Info?.Metadata["permission"]));
    }

    async Task RefusedAsync(string token, ECDsa key, StatusCode code, string reason)
    {
        var e = await Assert.ThrowsAsync<RpcException>(() => JoinAsync(token, key));
        var info = e.GetRpcStatus()?.GetDetail<Google.Rpc.ErrorInfo>();
        Assert.Equal((code, reason), (e.StatusCode, info?.Reason));
        Assert.Contains("CreateJoinToken", e.Status.Detail, StringComparison.Ordinal);
    }

    async Task<GrpcChannel> JoinedAsync(string node, NodeRole role)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var joined = await JoinAsync(await host.JoinTokenAsync(node, role), key);
        using var certificate = X509CertificateLoader.LoadCertificate(joined.Certificate.Span);
        return host.Channel(WithKey(certificate, key));
    }

    async Task<JoinResponse> JoinAsync(string token, ECDsa key)
    {
        using var channel = host.Channel(null);
        return await new NodeService.NodeServiceClient(channel).JoinAsync(new JoinRequest
        {
            Token = token,
            CertificateRequest = ByteString.CopyFrom(
                new CertificateRequest("CN=x", key, HashAlgorithmName.SHA256).CreateSigningRequest()),
        }, deadline: DateTime.UtcNow.AddSeconds(60));
    }

    // TLS on Linux wants the key as a file would give it.
    static X509Certificate2 WithKey(X509Certificate2 certificate, ECDsa key)
    {
        using var both = certificate.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(both.Export(X509ContentType.Pkcs12), null);
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
