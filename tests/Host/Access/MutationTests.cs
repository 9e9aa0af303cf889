using System.Collections;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Monolith.Host.Tests.Cloud;

namespace Monolith.Host.Tests.Access;

/// <summary>What every method that changes something has in common (AIP-155, 163), and every watch.</summary>
public sealed class MutationTests(RunningHost host)
{
    static readonly string[] Reads = ["Get", "List", "Watch", "Download", "Plan"];

    /// <summary>Nodes' own methods are no part of the public API: joining is made repeatable by its token and key.</summary>
    static bool Changes(ApiMethod m) => !m.Descriptor.FullName.StartsWith("monolith.agent.", StringComparison.Ordinal)
        && !Reads.Any(r => m.Descriptor.Name.StartsWith(r, StringComparison.Ordinal));

    public static TheoryData<string> Watches => Methods.Named(m => m.Descriptor.Name.StartsWith("Watch",
        StringComparison.Ordinal) && m.Descriptor.Name != "WatchEvents");

    [Fact]
    public void EveryMethodThatChangesSomething_TakesARequestId_AndCanBeTried()
    {
        var changing = Methods.All.Where(Changes).ToList();
        Assert.True(changing.Count > 40, $"only {changing.Count} methods were found");
        Assert.All(changing, m => Assert.All(new[] { ("request_id", FieldType.String), ("validate_only", FieldType.Bool) },
            f => Assert.Equal(f.Item2, Parameters(m).FindFieldByName(f.Item1)?.FieldType)));

        static MessageDescriptor Parameters(ApiMethod m) => m.Descriptor.IsClientStreaming
            ? m.Descriptor.InputType.FindFieldByName("header").MessageType
            : m.Descriptor.InputType;
    }

    /// <summary>What is tried is answered as if it were done, and a repeat of it is: nothing of the first is there.</summary>
    [Theory]
    [InlineData("monolith.compute.v1.ServerService.StopServer", "name", "projects/other/servers/s1")]
    [InlineData("monolith.compute.v1.ServerService.RestartServer", "name", "projects/other/servers/s1")]
    [InlineData("monolith.compute.v1.ServerService.DeleteServer", "name", "projects/other/servers/s1")]
    [InlineData("monolith.lb.v1.LoadBalancerService.DeleteLoadBalancer", "name", "projects/own/loadBalancers/r1")]
    [InlineData("monolith.compute.v1.KeyPairService.DeleteKeyPair", "name", "projects/own/keyPairs/r1")]
    [InlineData("monolith.dns.v1.RecordSetService.DeleteRecordSet", "name", "projects/own/zones/r1/recordSets/r1.A")]
    [InlineData("monolith.image.v1.ImageService.DeleteImage", "name", "projects/own/images/r1")]
    [InlineData("monolith.network.v1.PortService.DeletePort", "name", "projects/own/ports/r1")]
    [InlineData("monolith.identity.v1.TokenService.CreateJoinToken", "node_id", "tried")]
    [InlineData("monolith.identity.v1.ProjectService.CreateProject", "project_id", "tried")]
    [InlineData("monolith.identity.v1.UserService.CreateUser", "user_id", "tried")]
    public async Task WhatIsTried_LeavesNothing(string name, string field, string value)
    {
        var method = Methods.Find(name);
        var get = method.Descriptor.Service.Methods.FirstOrDefault(m => field == "name"
            && m.Name.StartsWith("Get", StringComparison.Ordinal));
        var request = method.Empty();
        Methods.Set(request, field, value);
        Methods.Set(request, "request_id", Guid.NewGuid().ToString());
        if (request.Descriptor.FindFieldByName("role") is { } role) role.Accessor.SetValue(request, Identity.V1.NodeRole.Hypervisor);
        for (var repeat = 0; repeat < 2; repeat++)
        {
            var answer = await host.Api.CallAsync(method.Descriptor, host.Token, request);
            Assert.True(answer.Code == StatusCode.OK, answer.ToString());
            if (answer.Response is Identity.V1.CreateJoinTokenResponse token) Assert.Empty(token.Token);
            if (get is null) continue;
            var found = (await host.Api.CallAsync(get, host.Token, Named(get))).Response!;
            var state = found.Descriptor.FindFieldByName("state");
            if (state is not null) Assert.DoesNotContain(state.Accessor.GetValue(found).ToString(),
                (string[])["Deleting", "Stopping", "Restarting"]);
        }
        // The id was not used up: the store remembers answers by it, and would refuse another content.
        Methods.Set(request, field, value + "-other");
        var other = await host.Api.CallAsync(method.Descriptor, host.Token, request);
        Assert.NotEqual(StatusCode.InvalidArgument, other.Code);

        IMessage Named(MethodDescriptor m)
        {
            var named = m.InputType.Parser.ParseFrom(ByteString.Empty);
            Methods.Set(named, "name", value);
            return named;
        }
    }

    /// <summary>Of a name that is not there a watch is in sync at once; of one that is, it begins with that.</summary>
    [Theory]
    [MemberData(nameof(Watches))]
    public async Task EveryWatch_CanBeOfOneResource(string name)
    {
        var method = Methods.Find(name);
        var list = method.Descriptor.Service.Methods.First(m => m.Name.StartsWith("List", StringComparison.Ordinal)
            && m.OutputType.FindFieldByName("resume_token") is not null);
        var all = (await host.Api.CallAsync(list, host.Token, Request(list, ""))).Response!;
        var existing = ((IList)all.Descriptor.Fields.InDeclarationOrder().First(f => f.IsRepeated).Accessor.GetValue(all))
            .Cast<IMessage>().Select(NameOf).ToList();
        var last = Assert.IsType<string>(existing[^1]);
        var first = (await host.Api.CallAsync(method.Descriptor, host.Token, Request(method.Descriptor, last))).Response!;
        var resource = first.Descriptor.Fields.InDeclarationOrder().First(f => f.FieldType == FieldType.Message);
        Assert.Equal(("Added", last), (Change(first), NameOf((IMessage)resource.Accessor.GetValue(first))));
        var absent = await host.Api.CallAsync(method.Descriptor, host.Token, Request(method.Descriptor, last + "x"));
        Assert.Equal("InSync", Change(absent.Response!));
        Assert.Equal(StatusCode.InvalidArgument, (await host.Api.CallAsync(method.Descriptor, host.Token,
            Request(method.Descriptor, "nonsense"))).Code);
        if (method.Descriptor.InputType.FindFieldByName("parent") is null) return;
        // In another parent nothing would ever be heard of it.
        Assert.Equal(StatusCode.InvalidArgument, (await host.Api.CallAsync(method.Descriptor, host.Token,
            Request(method.Descriptor, last.Replace("projects/own/", "projects/other/", StringComparison.Ordinal)))).Code);

        IMessage Request(MethodDescriptor m, string only)
        {
            var request = m.InputType.Parser.ParseFrom(ByteString.Empty);
            if (m.InputType.FindFieldByName("parent") is not null)
                Methods.Set(request, "parent", method.Pattern.Contains("zones", StringComparison.Ordinal)
                    ? "projects/own/zones/r1" : "projects/own");
            if (only.Length > 0) Methods.Set(request, "name", only);
            return request;
        }
    }

    static string NameOf(IMessage message) => (string)message.Descriptor.FindFieldByName("name").Accessor.GetValue(message);

    static string? Change(IMessage message) =>
        message.Descriptor.FindFieldByName("change").Accessor.GetValue(message).ToString();
}
