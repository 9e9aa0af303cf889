using System.Collections.Concurrent;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Monolith.Events.V1;
using Monolith.Protos;

namespace Monolith.Cli.Tests.Fake;

/// <summary>An audit log of five entries, proved two at a time.</summary>
internal sealed class Trail : AuditService.AuditServiceBase
{
    public Trail()
    {
        var digest = ByteString.Empty;
        for (var n = 1; n <= 5; n++)
        {
            var entry = new AuditEntry
            {
                Sequence = n,
                Time = Timestamp.FromDateTime(new DateTime(2026, 1, 31, 12, 0, n, DateTimeKind.Utc)),
                Caller = n == 4 ? "" : "users/ann",
                Peer = "192.0.2.7",
                Method = "monolith.compute.v1.ServerService/StopServer",
                Resource = $"projects/demo/servers/web{n}",
                Project = "projects/demo",
                Code = n switch { 3 => 7, 4 => 16, _ => 0 },
                Reason = n switch { 3 => "PERMISSION_DENIED", 4 => "TOKEN_UNKNOWN", _ => "" },
                Count = n == 4 ? 12 : 1,
            };
            entry.Digest = digest = ByteString.CopyFrom(AuditDigest.Of(digest.Span, entry));
            Entries.Add(entry);
        }
    }

    public List<AuditEntry> Entries { get; } = [];

    public ConcurrentQueue<ListAuditEntriesRequest> Requests { get; } = new();

    public override Task<ListAuditEntriesResponse> ListAuditEntries(ListAuditEntriesRequest request, ServerCallContext context)
    {
        Requests.Enqueue(request);
        return Task.FromResult(new ListAuditEntriesResponse { Entries = { request.NewestFirst ? Enumerable.Reverse(Entries) : Entries } });
    }

    public override Task<VerifyAuditEntriesResponse> VerifyAuditEntries(VerifyAuditEntriesRequest request, ServerCallContext context)
    {
        var through = (int)Math.Min(Entries.Count, request.After + 2);
        var isAnother = !request.Digest.IsEmpty && request.Digest != Entries[(int)request.After - 1].Digest;
        return Task.FromResult(new VerifyAuditEntriesResponse
        {
            Through = through,
            Digest = Entries[through - 1].Digest,
            LastSequence = Entries.Count,
            Entries = through - request.After,
            Fault = isAnother ? "Entry has another digest." : "",
        });
    }
}
