using Google.Protobuf;
using Grpc.Core;
using Monolith.Agent.V1;
using Monolith.Modules.Tests.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Nodes;
using Monolith.Protos;

namespace Monolith.Modules.Tests.Platform;

public sealed class NodeHelloTests
{
    static FieldViolation Refused(Metadata headers)
    {
        var fault = Assert.Throws<Fault>(() => NodeHello.Of(new FakeCall(headers: headers)));
        Assert.Equal((StatusCode.InvalidArgument, "INVALID_REQUEST"), (fault.Code, fault.Reason));
        return Assert.Single(fault.Fields);
    }

    static Metadata Headers(byte[] value) => new() { { HelloHeader.Name, value } };

    [Fact]
    public void WhatAnAgentSays_IsRead()
    {
        var hello = new Hello { DesiredDigest = "d", AgentVersion = "v", Inventory = new() { Capabilities = { ["accel"] = "kvm" } } };
        Assert.Equal(hello, NodeHello.Of(new FakeCall(headers: HelloHeader.Of(hello))));
        Assert.Equal(new Hello(), NodeHello.Of(new FakeCall(headers: HelloHeader.Of(new Hello()))));
    }

    [Fact]
    public void ACallWithoutHello_IsInvalid() =>
        Assert.Equal((HelloHeader.Name, true), Named(Refused([]), "is missing"));

    [Fact]
    public void AHello_MayBeAsLargeAsItsLimit_AndNoLarger()
    {
        var hello = new Hello { AgentVersion = new string('v', HelloHeader.MaxBytes - 3) };
        Assert.Equal(HelloHeader.MaxBytes, hello.CalculateSize());
        Assert.Equal(hello, NodeHello.Of(new FakeCall(headers: HelloHeader.Of(hello))));
        hello.AgentVersion += "v";
        Assert.Equal((HelloHeader.Name, true), Named(Refused(HelloHeader.Of(hello)), $"at most {HelloHeader.MaxBytes} bytes"));
    }

    [Theory]
    [InlineData("ff")]         // a tag that never ends
    [InlineData("0a05")]       // a text longer than the message
    [InlineData("0a01ff")]     // a text that is not UTF-8
    public void AHello_ThatCannotBeRead_IsInvalid(string hex) =>
        Assert.Equal((HelloHeader.Name, true), Named(Refused(Headers(Convert.FromHexString(hex))), "cannot be read"));

    static (string Field, bool Says) Named(FieldViolation violation, string words) =>
        (violation.Field, violation.Description.Contains(words, StringComparison.Ordinal));
}
