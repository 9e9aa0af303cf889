using System.Net;
using System.Text;
using Grpc.Core;

namespace Monolith.Agent.Network.Metadata;

/// <summary>
/// Takes a guest's public host keys, and gives their certificates: lines for lines.
/// <code>
///   POST /monolith/latest/host-keys    from a port below 1024 ──▶ host ──▶ certificates
/// </code>
/// The host signs for the guest at whose address it was asked. Within the guest, whoever has a certified key is the server
/// for everybody who logs in; that is root's alone to give, and root alone may use a port below 1024. A container behind the
/// guest's own translation could have one, too: answers go no further than one hop, so that it hears none.
/// </summary>
/// <param name="certify">For the guest with an instance id; throws <see cref="RpcException"/>.</param>
internal sealed class HostKeyDesk(
    Func<string, IReadOnlyList<string>, CancellationToken, Task<IReadOnlyList<string>>> certify, TimeProvider time)
{
    public const string Path = "/monolith/latest/host-keys";
    public const int MaxBody = 16 * 1024;

    private const int RootsPorts = 1024, MaxKeys = 8, Burst = 5, MaxAtOnce = 16, MaxRemembered = 4096;

    /// <summary>A guest asks at its boot and each day; this is for one that boots again and again.</summary>
    private static readonly TimeSpan Pace = TimeSpan.FromMinutes(1);

    /// <summary>Of the host: the guest waits a little longer.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(8);

    private readonly Dictionary<string, (double Left, DateTimeOffset At)> allowances = [];
    private int waiting;

    public async Task<HttpAnswer> AnswerAsync(MetadataSubject subject, int port, ReadOnlyMemory<byte> body, CancellationToken cancellation)
    {
        if (port is <= 0 or >= RootsPorts)
            return HttpAnswer.Error(403, "Forbidden", "only root may ask: use a source port below 1024");
        var keys = Encoding.ASCII.GetString(body.Span)
            .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (keys.Length is 0 or > MaxKeys)
            return HttpAnswer.Error(400, "Bad Request", $"send 1 to {MaxKeys} public keys, a line each");
        if (!Takes(subject.Document.InstanceId))
            return HttpAnswer.Error(429, "Too Many Requests", "ask again in a minute");
        try
        {
            if (Interlocked.Increment(ref waiting) > MaxAtOnce)
                return HttpAnswer.Error(503, "Service Unavailable", "too many guests ask at once; ask again");
            using var late = new CancellationTokenSource(Deadline, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, late.Token);
            var certificates = await certify(subject.Document.InstanceId, keys, either.Token);
            return HttpAnswer.Text(string.Join('\n', certificates) + "\n");
        }
        catch (RpcException e)
        {
            return e.StatusCode switch
            {
                StatusCode.InvalidArgument => HttpAnswer.Error(400, "Bad Request", e.Status.Detail),
                StatusCode.NotFound => HttpAnswer.Error(404, "Not Found", "this server is not at this hypervisor, as the host sees it"),
                _ => HttpAnswer.Error(503, "Service Unavailable", "the host cannot be asked now; ask again"),
            };
        }
        finally
        {
            Interlocked.Decrement(ref waiting);
        }
    }

    private bool Takes(string guest)
    {
        lock (allowances)
        {
            var now = time.GetUtcNow();
            if (allowances.Count >= MaxRemembered)
                foreach (var (old, _) in allowances.Where(a => now - a.Value.At > Burst * Pace).ToList())
                    allowances.Remove(old);
            var (left, at) = allowances.GetValueOrDefault(guest, (Burst, now));
            left = Math.Min(Burst, left + (now - at) / Pace);
            var takes = left >= 1;
            allowances[guest] = (takes ? left - 1 : left, now);
            return takes;
        }
    }
}
