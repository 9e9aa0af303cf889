using CsCheck;
using Google.Rpc;
using Grpc.Core;
using Monolith.Platform.Faults;

namespace Monolith.Modules.Tests.Platform;

public sealed class FaultWireTests
{
    static int Size(RpcException e) => Uri.EscapeDataString(e.Status.Detail).Length
        + e.Trailers.Sum(t => t.Key.Length + 32 + (t.IsBinary ? (t.ValueBytes.Length + 2) / 3 * 4 : t.Value.Length));

    /// <summary>A status that is too large is none: clients drop the call.</summary>
    [Fact]
    public void AFault_OfAnySize_FitsIntoTrailers() => Gen.Select(Gen.Int[1, 400], Gen.Int[0, 6000], Gen.Bool)
        .Sample((count, length, wide) =>
        {
            var text = wide ? new string('漢', length) : new string('a', length);
            var fields = Enumerable.Range(0, count).Select(i => new FieldViolation($"labels[{text}{i}]", text)).ToList();
            var error = FaultWire.Convert(Fault.Invalid(fields));
            Assert.InRange(Size(error), 1, 8192);
            var sent = error.GetRpcStatus()!.GetDetail<BadRequest>()!.FieldViolations;
            Assert.StartsWith("labels[", sent[0].Field, StringComparison.Ordinal);
            if (sent.Count < count) Assert.Contains($"{count - sent.Count + 1} further", sent[^1].Description, StringComparison.Ordinal);
            var reasons = fields.ConvertAll(f => new PreconditionViolation("X", f.Field, f.Description));
            Assert.InRange(Size(FaultWire.Convert(Fault.Precondition(text, reasons))), 1, 8192);
            Assert.InRange(Size(FaultWire.Convert(Fault.NotFound(text))), 1, 8192);
        }, iter: 200);

    [Fact]
    public void WhatFits_IsSentWhole()
    {
        var error = FaultWire.Convert(Fault.Invalid([new("a", "is wrong"), new("b", "is wrong as well")]));
        Assert.Equal(["a", "b"], error.GetRpcStatus()!.GetDetail<BadRequest>()!.FieldViolations.Select(v => v.Field));
        Assert.Equal("2 fields are invalid: a: is wrong; b: is wrong as well", error.Status.Detail);
    }
}
