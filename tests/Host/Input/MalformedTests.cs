using Google.Protobuf;
using Grpc.Core;
using Monolith.Compute.V1;
using Monolith.Host.Tests.Cloud;

namespace Monolith.Host.Tests.Input;

/// <summary>Whatever a message holds, the answer says what is wrong with it, all of it, and is never ours to blame.</summary>
public sealed class MalformedTests(RunningHost host)
{
    const int Rounds = 40;
    static readonly TimeSpan Quiet = TimeSpan.FromSeconds(2);

    public static TheoryData<string> All => Methods.Named(_ => true);
    public static TheoryData<string> Public => Methods.Named(m => !m.IsAgents);

    /// <summary>What a request cannot be without, as the protos mark it.</summary>
    [Theory]
    [MemberData(nameof(Public))]
    public async Task AnEmptyMessage_IsToldEverythingThatIsMissing(string name)
    {
        var method = Methods.Find(name);
        var answer = await host.Api.CallAsync(method.Descriptor, host.Token,
            method.Descriptor.InputType.Parser.ParseFrom(ByteString.Empty));
        var required = method.Descriptor.InputType.Fields.InDeclarationOrder()
            .Where(f => f.GetOptions()?.GetExtension(Google.Api.FieldBehaviorExtensions.FieldBehavior)
                ?.Contains(Google.Api.FieldBehavior.Required) == true).Select(f => f.Name).ToList();
        Check(answer, name);
        if (required.Count == 0) return;
        Assert.Equal(StatusCode.InvalidArgument, answer.Code);
        Assert.All(required, field => Assert.Contains(answer.Fields,
            f => f.Field == field || f.Field.StartsWith(field + ".", StringComparison.Ordinal)));
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task Rubbish_IsAnswered_WithWhatIsWrong(string name)
    {
        var method = Methods.Find(name);
        var seed = Random.Shared.Next();
        TestContext.Current.TestOutputHelper?.WriteLine($"{name} seed {seed}");
        var rubbish = new Rubbish(new Random(seed));
        for (var round = 0; round < Rounds; round++)
        {
            IMessage[] requests = [rubbish.Make(method.Descriptor.InputType)];
            // Half of them get past the gate, to something that is there.
            if (round % 2 == 0 && method.Field.Length > 0)
                Methods.Set(requests[0], method.Field, Place(method));
            if (method.Descriptor.IsClientStreaming) requests = [.. requests, rubbish.Make(method.Descriptor.InputType)];
            Check(await host.Api.CallAsync(method.Descriptor, host.Token, Quiet, requests),
                $"{name}, seed {seed}, round {round}");
        }
        await host.AliveAsync();
    }

    static string Place(ApiMethod method)
    {
        var ids = new Queue<string>(["rubbish", "r1", "r1.A"]);
        return string.Concat(method.Pattern.Select(c => c == '*' ? ids.Dequeue() : c.ToString()))
            .Replace("servers/r1", "servers/s1", StringComparison.Ordinal)
            .Replace("users/rubbish", "users/broken", StringComparison.Ordinal);
    }

    /// <summary>Every field that a filter knows, with every comparison: the fields are in the refusal of one that is
    /// none.</summary>
    [Fact]
    public async Task EveryComparison_OfEveryFieldOfAFilter_IsAnsweredOrRefused()
    {
        foreach (var method in Methods.All.Where(m => m.Descriptor.InputType.FindFieldByName("filter") is not null
            && !m.Descriptor.IsServerStreaming))
        {
            var request = method.At(method.Pattern.Contains("zones", StringComparison.Ordinal) ? ["own", "r1"] : ["own"]);
            var filter = method.Descriptor.InputType.FindFieldByName("filter").Accessor;
            filter.SetValue(request, "no_such_field = 1");
            var refusal = await host.Api.CallAsync(method.Descriptor, host.Token, request);
            Assert.Equal(StatusCode.InvalidArgument, refusal.Code);
            var fields = refusal.Message[(refusal.Message.IndexOf("there are ", StringComparison.Ordinal) + 10)..].Split(", ");
            Assert.NotEmpty(fields);
            foreach (var field in fields.Select(f => f.Replace("labels.KEY", "labels.a", StringComparison.Ordinal)))
                foreach (var comparison in new[] { "=", "!=", "<", "<=", ">", ">=", ":" })
                    foreach (var value in new[] { "1", "true", "READY", "a*", "*", "2026-01-01T00:00:00Z", "\"\"", "\"\0\"" })
                    {
                        filter.SetValue(request, $"{field} {comparison} {value}");
                        Check(await host.Api.CallAsync(method.Descriptor, host.Token, request), $"{method} {field} {comparison} {value}");
                    }
        }
    }

    static void Check(Answer answer, string what)
    {
        Assert.True(answer.Code is StatusCode.OK or StatusCode.InvalidArgument or StatusCode.NotFound
            or StatusCode.AlreadyExists or StatusCode.FailedPrecondition or StatusCode.Aborted or StatusCode.OutOfRange
            or StatusCode.PermissionDenied or StatusCode.ResourceExhausted
            || answer is { Code: StatusCode.Unauthenticated, Info.Reason: "SIGN_IN_REFUSED" }, $"{what}: {answer}");
        if (answer.Code == StatusCode.OK) return;
        Assert.True(answer.Info is { Domain: "monolith", Reason.Length: > 0 }, $"{what}: {answer} has no ErrorInfo");
        // What common clients take at most.
        Assert.True(answer.TrailerBytes <= 8192, $"{what}: the status has {answer.TrailerBytes} bytes");
        if (answer.Code != StatusCode.InvalidArgument) return;
        Assert.True(answer.Fields.Count > 0, $"{what}: {answer} names no field");
        Assert.All(answer.Fields, f => Assert.True(f.Description.Length > 0, $"{what}: {f.Field} without words"));
    }

    /// <summary>Tokens are the host's own words, but they come back from outside.</summary>
    [Theory]
    [InlineData("x")]
    [InlineData("99999999999999999999")]
    [InlineData("-5")]
    [InlineData("")]
    [InlineData("\0")]
    public async Task AForgedPageToken_IsInvalid(string key)
    {
        foreach (var method in Methods.All.Where(m => m.Descriptor.InputType.FindFieldByName("page_token") is not null))
        {
            string[] ids = method.Pattern.Contains("zones", StringComparison.Ordinal) ? ["own", "r1"]
                : method.Pattern.StartsWith("users", StringComparison.Ordinal) ? ["admin"] : ["own", "s1"];
            var request = method.At(ids);
            var field = method.Descriptor.InputType.FindFieldByName("page_token").Accessor;
            foreach (var token in new[] { key, Encode(key), Encode("00000000:" + key), Encode(Fingerprint(request) + key) })
            {
                field.SetValue(request, token);
                Check(await host.Api.CallAsync(method.Descriptor, host.Token, request), $"{method} {token}");
            }
        }
    }

    [Fact]
    public async Task AResumeToken_OfNoList_IsInvalid()
    {
        foreach (var method in Methods.All.Where(m => m.Descriptor.InputType.FindFieldByName("resume_token") is not null))
            foreach (var token in new[] { "x", "w", "w-1", "w99999999999", "w99999999999999999999", "w1x", "\0" })
            {
                var request = method.At(method.Pattern.Contains("zones", StringComparison.Ordinal) ? ["own", "r1"] : ["own"]);
                method.Descriptor.InputType.FindFieldByName("resume_token").Accessor.SetValue(request, token);
                var answer = await host.Api.CallAsync(method.Descriptor, host.Token, request);
                Check(answer, $"{method} {token}");
                Assert.Equal(StatusCode.InvalidArgument, answer.Code);
                Assert.Equal("resume_token", answer.Fields[0].Field);
            }
    }

    [Fact]
    public async Task EveryViolation_IsSaidAtOnce()
    {
        var e = await Assert.ThrowsAsync<RpcException>(() => new ServerService.ServerServiceClient(host.Invoker)
            .CreateServerAsync(new CreateServerRequest
            {
                Parent = "projects/own",
                ServerId = "Not An Id",
                Server = new()
                {
                    DisplayName = "\u0007",
                    Flavor = "flavors/none",
                    Image = "images/r1",
                    Hostname = "UPPER",
                    KeyPairs = { "projects/other/keyPairs/r1", "projects/own/keyPairs/none" },
                    ReadyProbe = new() { TcpPort = 70_000 },
                    Labels = { ["UPPER"] = "x" },
                    AvailabilityZone = "\0",
                    MetadataDrive = (Server.Types.MetadataDrive)9,
                },
            }, host.Headers()).ResponseAsync);
        var fields = e.GetRpcStatus()!.GetDetail<Google.Rpc.BadRequest>()!.FieldViolations.Select(v => v.Field).ToHashSet();
        Assert.Superset(new HashSet<string>
        {
            "server_id", "server.display_name", "server.flavor", "server.image", "server.hostname",
            "server.availability_zone", "server.key_pairs[0]", "server.key_pairs[1]", "server.ready_probe.tcp_port",
            "server.labels[UPPER]", "server.metadata_drive",
        }, fields);
    }

    [Fact]
    public async Task ARequestId_IsAUuid_AndGoesWithOneRequest()
    {
        var flavors = new FlavorService.FlavorServiceClient(host.Invoker);
        var request = new CreateFlavorRequest
        {
            FlavorId = "once",
            RequestId = "x",
            Flavor = new() { Vcpus = 1, MemoryMib = 64, DiskGib = 1 },
        };
        Assert.Equal(StatusCode.InvalidArgument, await CodeAsync());
        request.RequestId = Guid.NewGuid().ToString();
        var first = await flavors.CreateFlavorAsync(request, host.Headers());
        Assert.Equal(first, await flavors.CreateFlavorAsync(request, host.Headers()));
        request.Flavor.Vcpus = 2;
        Assert.Equal(StatusCode.InvalidArgument, await CodeAsync());

        async Task<StatusCode> CodeAsync() => (await Assert.ThrowsAsync<RpcException>(
            () => flavors.CreateFlavorAsync(request, host.Headers()).ResponseAsync)).StatusCode;
    }

    static string Encode(string text) => System.Buffers.Text.Base64Url.EncodeToString(System.Text.Encoding.UTF8.GetBytes(text));

    /// <summary>As the host makes it of the parent and the filter.</summary>
    static string Fingerprint(IMessage request)
    {
        var parts = new[] { "parent", "filter" }.Select(f => request.Descriptor.FindFieldByName(f))
            .Where(f => f is not null).Select(f => (string)f.Accessor.GetValue(request));
        var hash = System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(string.Join('\0', parts)));
        return Convert.ToHexStringLower(hash.AsSpan(0, 4)) + ":";
    }
}
