using System.Globalization;
using Google.Protobuf;
using Grpc.Core;
using Monolith.Api.V1;
using Monolith.Platform.Faults;
using Monolith.Platform.Storage;

namespace Monolith.Platform.Watching;

/// <summary>
/// Watches: what exists, IN_SYNC, then every change; or, with a resume token, every change since it. The token is a
/// place in the module's events, so that between a list and a watch nothing is missed.
/// </summary>
public static class Watch
{
    /// <param name="noun">As in <c>Unit.Emit</c>.</param>
    /// <param name="only">Which of the resources.</param>
    /// <param name="visible">Which events the caller gets.</param>
    /// <param name="existing">What exists now, of what the caller may see and of <paramref name="only"/>.</param>
    /// <param name="send">Writes one message: change, resource (null for IN_SYNC), token.</param>
    /// <exception cref="Fault">OUT_OF_RANGE for a token that is too old.</exception>
    public static async Task RunAsync<TDb, TResource>(Store<TDb> store, string resumeToken, string noun, Only only,
        Func<EventRow, bool> visible, Func<TDb, Task<List<TResource>>> existing,
        Func<ChangeType, TResource?, string, Task> send, CancellationToken cancel)
        where TDb : ModuleDb where TResource : class, IMessage<TResource>, new()
    {
        long after;
        if (resumeToken.Length > 0) after = Parse(resumeToken, store);
        else
        {
            var (resources, sequence) = await store.SnapshotAsync(existing);
            after = sequence;
            foreach (var resource in resources) await send(ChangeType.Added, resource, Token(after));
            await send(ChangeType.InSync, null, Token(after));
        }
        var prefix = $"monolith.{store.Module}.{noun}.";
        await foreach (var batch in store.Feed.FollowAsync(after, cancel))
            foreach (var row in batch)
            {
                if (!row.Type.StartsWith(prefix, StringComparison.Ordinal) || !only.Has(row) || !visible(row)) continue;
                var resource = new TResource();
                resource.MergeFrom(row.Data);
                await send(ChangeOf(row.Type.AsSpan(prefix.Length)), resource, Token(row.Sequence));
            }
    }

    /// <summary>The token of a place in a module's events.</summary>
    public static string Token(long sequence) => "w" + sequence.ToString(CultureInfo.InvariantCulture);

    static long Parse<TDb>(string token, Store<TDb> store) where TDb : ModuleDb
    {
        if (!token.StartsWith('w') || !long.TryParse(token.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture,
            out var sequence) || sequence > store.Feed.Last)
            throw Fault.Invalid("resume_token", "is not a token of a list or a watch of these resources");
        if (sequence < store.Feed.TrimmedThrough)
            throw new Fault(StatusCode.OutOfRange, "RESUME_TOKEN_TOO_OLD",
                "The changes since this token are no longer kept. Watch without a token to get everything that exists.");
        return sequence;
    }

    static ChangeType ChangeOf(ReadOnlySpan<char> word) => word switch
    {
        "created" => ChangeType.Added,
        "deleted" => ChangeType.Removed,
        _ => ChangeType.Modified,
    };
}
