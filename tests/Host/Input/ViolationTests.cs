using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Monolith.Host.Tests.Cloud;
using Monolith.Lb.V1;

namespace Monolith.Host.Tests.Input;

/// <summary>A request in which every field is wrong that many methods have is told so of each of them.</summary>
public sealed class ViolationTests(RunningHost host)
{
    static readonly (string Field, object Wrong)[] Common =
    [
        ("request_id", "x"), ("page_size", -1), ("page_token", "x"), ("filter", "(("), ("resume_token", "x"),
        ("name", "x"), ("after_sequence", -2L), ("offset", -1L),
        ("update_mask", new FieldMask { Paths = { "no_such_field" } }),
    ];

    public static TheoryData<string> WithCommonFields => Methods.Named(m => !m.IsAgents && Wrong(m).Fields.Count > 0);

    [Theory]
    [MemberData(nameof(WithCommonFields))]
    public async Task EveryCommonField_ThatIsWrong_IsSaid(string name)
    {
        var method = Methods.Find(name);
        var (request, fields) = Wrong(method);
        var answer = await host.Api.CallAsync(method.Descriptor, host.Token, request);
        Assert.Equal(StatusCode.InvalidArgument, answer.Code);
        Assert.Superset(fields, answer.Fields.Select(f => f.Field).ToHashSet());
    }

    /// <summary>A wrong id does not make an absent thing less absent, and the id is what the caller can mend.</summary>
    [Fact]
    public async Task ARequestId_ThatIsNone_IsSaid_WhateverElseWouldBeRefused()
    {
        var method = Methods.Find("monolith.compute.v1.ServerService.DeleteServer");
        var request = method.At("own", "none");
        Methods.Set(request, "request_id", "x");
        var answer = await host.Api.CallAsync(method.Descriptor, host.Token, request);
        Assert.Equal(StatusCode.InvalidArgument, answer.Code);
        Assert.Equal("request_id", Assert.Single(answer.Fields).Field);
    }

    /// <summary>They would share a name, and it is not left to be found out when the server is there.</summary>
    [Fact]
    public async Task AServersId_ThatIsTheNameOfALoadBalancer_IsSaidAtOnce()
    {
        var balancers = new LoadBalancerService.LoadBalancerServiceClient(host.Invoker);
        var name = host.Own.Name + "/loadBalancers/r1";
        await RunningHost.UntilAsync(async () => (await balancers.GetLoadBalancerAsync(new() { Name = name },
            host.Headers())).DnsName.Length > 0, $"{name} has its name");
        var e = await Assert.ThrowsAsync<RpcException>(() => host.Own.CreateServerAsync(host, "r1"));
        Assert.Equal(StatusCode.InvalidArgument, e.StatusCode);
        var violation = Assert.Single(e.GetRpcStatus()!.GetDetail<Google.Rpc.BadRequest>()!.FieldViolations);
        Assert.Equal("server_id", violation.Field);
        Assert.Contains(name, violation.Description, StringComparison.Ordinal);
    }

    static (IMessage Request, HashSet<string> Fields) Wrong(ApiMethod method)
    {
        var (request, fields) = (method.Empty(), new HashSet<string>(StringComparer.Ordinal));
        var prefix = method.Descriptor.InputType.FindFieldByName("header") is not null ? "header." : "";
        if (method.Field.Length > 0)
        {
            Methods.Set(request, method.Field, "x");
            fields.Add(method.Field);
        }
        // Of a stream that acts in no place the header is not there yet.
        if (prefix.Length > 0) Methods.Set(request, "header.request_id", "");
        var inner = prefix.Length > 0 ? (IMessage)request.Descriptor.FindFieldByName("header").Accessor.GetValue(request) : request;
        foreach (var (field, wrong) in Common)
            if (inner.Descriptor.FindFieldByName(field) is { } there && Fits(there, wrong))
            {
                there.Accessor.SetValue(inner, wrong);
                fields.Add(prefix + field);
            }
        return (request, fields);
    }

    static bool Fits(FieldDescriptor field, object value) => field.FieldType switch
    {
        FieldType.String => value is string,
        FieldType.Int32 => value is int,
        FieldType.Int64 => value is long,
        FieldType.Message => value is IMessage message && field.MessageType == message.Descriptor,
        _ => false,
    };
}
