using System.Runtime.CompilerServices;
using System.Security.Authentication;
using Grpc.Core;
using Monolith.Agent.Images.Peers;
using Monolith.Agent.Join;
using Monolith.Agent.V1;

namespace Monolith.Agent.Reconcile;

/// <summary>From where a blob came, so far.</summary>
internal sealed class BlobOrigin
{
    public long FromHost { get; set; }

    public Dictionary<string, long> FromPeers { get; } = new(StringComparer.Ordinal);

    /// <summary>Peers that did not give it.</summary>
    public HashSet<string> Failed { get; } = new(StringComparer.Ordinal);

    public bool HostOnly { get; set; }

    /// <summary>Nobody waits for it: it takes its turn, and does not go to the host out of turn.</summary>
    public bool Patient
    {
        get => Volatile.Read(ref patient);
        set => Volatile.Write(ref patient, value);
    }

    private bool patient;
}

/// <summary>
/// Reads a blob from whom the host names, and the rest of it from another when that one is slow, gone or done with it. The
/// host itself is the last resort, and never needs a peer.
/// </summary>
/// <param name="connect">To the host.</param>
/// <param name="identity">Of this node; null: only from the host.</param>
internal sealed class BlobReads(Func<CallInvoker> connect, Func<NodeIdentity>? identity, TimeProvider time)
{
    /// <summary>Peers that are tried.</summary>
    private const int Tries = 3;

    /// <summary>A peer that brings less than this in <see cref="Pace"/> is slow.</summary>
    private const long PaceBytes = 4 << 20;
    private static readonly TimeSpan Pace = TimeSpan.FromSeconds(10);

    /// <summary>How long anybody may be silent in the middle of a blob.</summary>
    private static readonly TimeSpan ChunkDeadline = TimeSpan.FromSeconds(30), PeerSilence = TimeSpan.FromSeconds(5);

    /// <summary>How long a place is waited for.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan AskDeadline = TimeSpan.FromSeconds(10);

    private CallInvoker Host => connect();

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync(
        string sha256, long size, BlobOrigin origin, [EnumeratorCancellation] CancellationToken cancellation)
    {
        long at = 0;
        while (at < size && await FindAsync(sha256, origin, cancellation) is { } peer)
        {
            origin.FromPeers.TryAdd(peer.Node, 0);
            await using var chunks = PeerReader.ReadAsync(peer, at, identity!(), PeerSilence, cancellation)
                .GetAsyncEnumerator(cancellation);
            var (since, paced) = (time.GetTimestamp(), 0L);
            while (await NextAsync(chunks, cancellation))
            {
                var length = chunks.Current.Length;
                (at, paced) = (at + length, paced + length);
                origin.FromPeers[peer.Node] += length;
                AgentTelemetry.Fetched(length, fromHost: false);
                yield return chunks.Current;
                if (time.GetElapsedTime(since) < Pace) continue;
                if (paced < PaceBytes) break;
                (since, paced) = (time.GetTimestamp(), 0);
            }
            if (at < size) origin.Failed.Add(peer.Node);
        }

        if (at >= size) yield break;
        await foreach (var chunk in FromHostAsync(sha256, at, cancellation))
        {
            origin.FromHost += chunk.Length;
            AgentTelemetry.Fetched(chunk.Length, fromHost: true);
            yield return chunk;
        }
    }

    /// <summary>That it is here, whole, or that what came was not it. A report that is lost costs a place for minutes.</summary>
    public async Task ReportAsync(string sha256, BlobOrigin origin, bool complete, CancellationToken cancellation)
    {
        if (origin.FromPeers.Count == 0) return;
        try
        {
            await new BlobSourceService.BlobSourceServiceClient(Host).ReportBlobReadAsync(
                new ReportBlobReadRequest { Sha256 = sha256, Node = origin.FromPeers.Keys.Last(), Complete = complete },
                deadline: time.GetUtcNow().UtcDateTime + AskDeadline, cancellationToken: cancellation);
        }
        catch (RpcException)
        {
        }
    }

    /// <returns>Null: the host.</returns>
    private async Task<BlobPeer?> FindAsync(string sha256, BlobOrigin origin, CancellationToken cancellation)
    {
        var began = time.GetTimestamp();
        while (identity is not null && !origin.HostOnly && origin.Failed.Count < Tries
            && (origin.Patient || time.GetElapsedTime(began) < Patience))
        {
            FindBlobSourceResponse found;
            try
            {
                found = await new BlobSourceService.BlobSourceServiceClient(Host).FindBlobSourceAsync(
                    new FindBlobSourceRequest { Sha256 = sha256, FailedNodes = { origin.Failed } },
                    deadline: time.GetUtcNow().UtcDateTime + AskDeadline, cancellationToken: cancellation);
            }
            catch (RpcException) when (!cancellation.IsCancellationRequested)
            {
                // An older host, or one that is not there: reading from it says what is wrong.
                return null;
            }

            if (found.SourceCase != FindBlobSourceResponse.SourceOneofCase.Wait) return found.Peer;
            var wait = found.Wait.ToTimeSpan() * (0.75 + (Random.Shared.NextDouble() / 2));
            await Task.Delay(wait < Patience ? wait : Patience, time, cancellation);
        }

        return null;
    }

    /// <returns>False: it is over, whether all came or not.</returns>
    private static async Task<bool> NextAsync(
        IAsyncEnumerator<ReadOnlyMemory<byte>> chunks, CancellationToken cancellation)
    {
        try
        {
            return await chunks.MoveNextAsync();
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested && e is IOException or AuthenticationException
            or System.Net.Sockets.SocketException or OperationCanceledException)
        {
            cancellation.ThrowIfCancellationRequested();
            return false;
        }
    }

    private async IAsyncEnumerable<ReadOnlyMemory<byte>> FromHostAsync(
        string sha256, long offset, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var call = new BlobService.BlobServiceClient(Host)
            .ReadBlob(new ReadBlobRequest { Sha256 = sha256, Offset = offset }, cancellationToken: silence.Token);
        while (await NextAsync(call.ResponseStream, silence, cancellation))
            yield return call.ResponseStream.Current.Chunk.Memory;
    }

    private async Task<bool> NextAsync(
        IAsyncStreamReader<ReadBlobResponse> from, CancellationTokenSource silence, CancellationToken cancellation)
    {
        try
        {
            return await from.MoveNext(cancellation).WaitAsync(ChunkDeadline, time, cancellation);
        }
        catch (TimeoutException)
        {
            await silence.CancelAsync();
            throw new IOException($"the host sent nothing for {ChunkDeadline.TotalSeconds:0} s");
        }
        catch (RpcException e)
        {
            throw new IOException(
                e.StatusCode == StatusCode.NotFound
                    ? "the host has no such image any more: choose another one"
                    : $"the host answered {e.StatusCode}: {e.Status.Detail}",
                e);
        }
    }
}
