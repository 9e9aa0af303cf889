using Google.Protobuf;
using Grpc.Core;
using Monolith.Compute.V1;
using Monolith.Host.Tests.Cloud;
using Monolith.Lb.V1;
using Monolith.Network.V1;

namespace Monolith.Host.Tests.Access;

/// <summary>Another project's resource is answered for like one that does not exist: same code, same words.</summary>
public sealed class ForeignProjectTests(RunningHost host)
{
    public static TheoryData<string> InProjects => Methods.Named(m => m is { InProject: true, Anywhere: false, IsOpen: false });
    public static TheoryData<string> Creates => Methods.Named(m => m is { InProject: true, Field: "parent" or "header.parent" }
        && m.Descriptor.Name.StartsWith("Create", StringComparison.Ordinal) | m.Descriptor.Name is "UploadImage" or "ImportImage");

    [Theory]
    [MemberData(nameof(InProjects))]
    public async Task AnothersResource_IsNotFound_JustAsAnAbsentOne(string name)
    {
        var method = Methods.Find(name);
        var id = method.Pattern.Contains("recordSets", StringComparison.Ordinal) ? "r1.A"
            : method.Pattern.Contains("servers", StringComparison.Ordinal) ? "s1" : "r1";
        string[] there = method.Pattern.Contains("zones/*/", StringComparison.Ordinal) ? ["other", "r1", id] : ["other", id];
        var foreign = await Normal(method, there);
        Assert.Equal(StatusCode.NotFound, foreign.Code);
        Assert.Equal(foreign, await Normal(method, ["nowhere", .. there[1..]]));
        Assert.Equal(foreign, await Normal(method, ["other", .. there[1..].Select(_ => "absent")]));
        // The same name is there for who may see it.
        if (method.Descriptor.Name.StartsWith("Get", StringComparison.Ordinal))
            Assert.Equal(StatusCode.OK, (await host.Api.CallAsync(method.Descriptor, host.Token, method.At(there))).Code);
    }

    /// <summary>Names in requests do not lead around the gate.</summary>
    [Fact]
    public async Task WhatIsNamedInARequest_ButIsAnothers_DoesNotExist()
    {
        async Task<string[]> Violations(string project)
        {
            var p = "projects/" + project;
            var violations = new List<string>();
            await Gather(new ServerService.ServerServiceClient(host.Invoker).CreateServerAsync(new CreateServerRequest
            {
                Parent = "projects/own",
                ServerId = "thief",
                ValidateOnly = true,
                Server = new()
                {
                    Flavor = "flavors/small",
                    Image = p + "/images/r1",
                    KeyPairs = { p + "/keyPairs/r1" },
                    Networks = { new ServerNetwork { Network = p + "/networks/r1", SecurityGroups = { p + "/securityGroups/r1" } } },
                },
            }, host.Headers(host.OwnersToken)), 3);
            await Gather(new PortService.PortServiceClient(host.Invoker).CreatePortAsync(new CreatePortRequest
            {
                Parent = "projects/own",
                PortId = "thief",
                ValidateOnly = true,
                Port = new() { Network = p + "/networks/r1" },
            }, host.Headers(host.OwnersToken)), 1);
            await Gather(new LoadBalancerService.LoadBalancerServiceClient(host.Invoker).CreateLoadBalancerAsync(
                new CreateLoadBalancerRequest
                {
                    Parent = "projects/own",
                    LoadBalancerId = "thief",
                    ValidateOnly = true,
                    LoadBalancer = new()
                    {
                        Pools = { new Pool { Id = "p", Members = { new Member { Server = p + "/servers/s1", Port = 80 } } } },
                    },
                }, host.Headers(host.OwnersToken)), 1);
            return [.. violations.Select(v => v.Replace(p, "P", StringComparison.Ordinal))];

            async Task Gather<T>(AsyncUnaryCall<T> call, int atLeast)
            {
                var e = await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync);
                Assert.Equal(StatusCode.InvalidArgument, e.StatusCode);
                var found = e.GetRpcStatus()!.GetDetail<Google.Rpc.BadRequest>()!.FieldViolations;
                Assert.True(found.Count >= atLeast, e.Status.Detail);
                violations.AddRange(found.Select(f => $"{f.Field}: {f.Description}"));
            }
        }

        Assert.Equal(await Violations("nowhere"), await Violations("other"));
    }

    /// <summary><c>-</c> stands for all projects in lists; nothing can be made in it.</summary>
    [Theory]
    [MemberData(nameof(Creates))]
    public async Task NothingIsMade_InTheProjectsOfTheWildcard(string name)
    {
        var method = Methods.Find(name);
        foreach (var token in new[] { host.OwnersToken, host.Token })
        {
            var answer = await host.Api.CallAsync(method.Descriptor, token, method.At("-", "r1"));
            Assert.True(answer.Code is StatusCode.InvalidArgument or StatusCode.NotFound, answer.ToString());
        }
    }

    [Fact]
    public async Task AWellFormedCreate_InTheWildcard_IsRefused()
    {
        foreach (var token in new[] { host.OwnersToken, host.Token })
        {
            var e = await Assert.ThrowsAsync<RpcException>(() => new KeyPairService.KeyPairServiceClient(host.Invoker)
                .CreateKeyPairAsync(new CreateKeyPairRequest
                {
                    Parent = "projects/-",
                    KeyPairId = "everywhere",
                    KeyPair = new() { PublicKey = Tenant.PublicKey },
                }, host.Headers(token)).ResponseAsync);
            Assert.True(e.StatusCode is StatusCode.NotFound or StatusCode.InvalidArgument, e.ToString());
        }
    }

    /// <summary>The answer with the request's own names taken out.</summary>
    async Task<(StatusCode Code, string Message, string Details)> Normal(ApiMethod method, string[] ids)
    {
        var request = method.At(ids);
        var answer = await host.Api.CallAsync(method.Descriptor, host.OwnersToken, request);
        string Clean(string text)
        {
            foreach (var id in ids.Distinct().OrderByDescending(i => i.Length))
                text = System.Text.RegularExpressions.Regex.Replace(text, $@"\b{System.Text.RegularExpressions.Regex.Escape(id)}\b", "*");
            return text;
        }
        var info = answer.Info?.Clone();
        info?.Metadata.Remove("trace_id");
        return (answer.Code, Clean(answer.Message), Clean($"{info} {answer.Status?.Details.Count}"));
    }
}
