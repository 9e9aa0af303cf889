using System.Diagnostics;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;

namespace Monolith.Platform.Faults;

/// <summary>
/// Faults as google.rpc.Status. It travels in HTTP/2 trailers, of which common clients take 8 KiB and drop the call for
/// more: long words are cut, and of very many violations the first are sent, and how many there are besides.
/// </summary>
public static class FaultWire
{
    /// <summary>The domain of every ErrorInfo.</summary>
    public const string Domain = "monolith";

    const int MaxMessageBytes = 700;
    const int MaxWordBytes = 300;
    const int MaxViolationsBytes = 3000;

    /// <summary>The wire form of a fault.</summary>
    public static RpcException Convert(Fault fault)
    {
        var info = new ErrorInfo { Reason = fault.Reason, Domain = Domain };
        foreach (var (key, value) in fault.Metadata) info.Metadata[key] = Cut(value, MaxWordBytes);
        if (Activity.Current is { } activity) info.Metadata["trace_id"] = activity.TraceId.ToHexString();
        var status = new Google.Rpc.Status { Code = (int)fault.Code, Message = Cut(fault.Message, MaxMessageBytes) };
        status.Details.Add(Any.Pack(info));
        if (fault.Fields.Count > 0)
        {
            var bad = new BadRequest();
            bad.FieldViolations.Add(First(fault.Fields.Select(f => new BadRequest.Types.FieldViolation
            {
                Field = Cut(f.Field, MaxWordBytes),
                Description = Cut(f.Description, MaxWordBytes),
            }), more => new() { Field = "(more)", Description = $"{more} further violations; correct these first" }));
            status.Details.Add(Any.Pack(bad));
        }
        if (fault.Preconditions.Count > 0)
        {
            var failure = new PreconditionFailure();
            failure.Violations.Add(First(fault.Preconditions.Select(v => new PreconditionFailure.Types.Violation
            {
                Type = v.Type,
                Subject = Cut(v.Subject, MaxWordBytes),
                Description = Cut(v.Description, MaxWordBytes),
            }), more => new() { Type = "MORE", Subject = "(more)", Description = $"{more} further reasons" }));
            status.Details.Add(Any.Pack(failure));
        }
        if (fault.Quotas.Count > 0)
        {
            var failure = new QuotaFailure();
            failure.Violations.Add(First(fault.Quotas.Select(v => new QuotaFailure.Types.Violation
            {
                Subject = Cut(v.Subject, MaxWordBytes),
                Description = Cut(v.Description, MaxWordBytes),
                QuotaMetric = v.Quota,
                QuotaValue = v.Limit,
            }), more => new() { Subject = "(more)", Description = $"{more} further quotas" }));
            status.Details.Add(Any.Pack(failure));
        }
        if (fault.RetryAfter is { } retry)
            status.Details.Add(Any.Pack(new RetryInfo { RetryDelay = Duration.FromTimeSpan(retry) }));
        return status.ToRpcException();
    }

    /// <summary>Those that there is room for, and one that counts the others.</summary>
    static List<T> First<T>(IEnumerable<T> all, Func<int, T> rest) where T : IMessage
    {
        var (taken, size, more) = (new List<T>(), 0, 0);
        foreach (var one in all)
        {
            size += one.CalculateSize();
            if (more == 0 && (taken.Count == 0 || size <= MaxViolationsBytes)) taken.Add(one);
            else more++;
        }
        if (more > 0) taken.Add(rest(more));
        return taken;
    }

    static string Cut(string text, int bytes)
    {
        if (text.Length * 3 <= bytes || Encoding.UTF8.GetByteCount(text) <= bytes) return text;
        var cut = new StringBuilder();
        foreach (var rune in text.EnumerateRunes())
        {
            if ((bytes -= rune.Utf8SequenceLength) < 0) break;
            cut.Append(rune);
        }
        return cut.Append('…').ToString();
    }
}
