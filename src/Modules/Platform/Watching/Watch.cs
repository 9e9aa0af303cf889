using System.Globalization;
using Google.Protobuf;
using Grpc.Core;
using Monolith.Api.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Storage;

namespace Monolith.Platform.Watching;

/// <summary>
/// Watches: what exists, IN_SYNC, then every change; or, with a resume token, every change since it. The token is a
/// place in the module's events, so that between a list and a watch nothing is missed.
/// </summary>
public static class Watch
{
    /// <param name="request">With any of <c>parent</c>, <c>name</c> and <c>resume_token</c>.</param>
    /// <param name="pattern">Of the resources' names: <c>projects/*/servers/*</c>; the parent is what is before it.</param>
    /// <exception cref="Fault">INVALID_ARGUMENT with every violation; OUT_OF_RANGE for a token that is too old.</exception>
    public static Watch<TDb> Of<TDb>(Store<TDb> store, IMessage request, Call call, string pattern) where TDb : ModuleDb
    {
        var violations = new Violations();
        var (scope, parent) = (ProjectScope.Everything, Fields.Text(request, "parent"));
        if (request.Descriptor.FindFieldByName("parent") is not null)
            scope = ListQuery.ScopeOf(pattern[..pattern[..^2].LastIndexOf('/')], parent, call, violations);
        var only = Only.Of(pattern, Fields.Text(request, "name"), violations.Any ? "" : parent, violations);
        var after = Parse(Fields.Text(request, "resume_token"), store, violations);
        violations.ThrowIfAny();
        if (after < store.Feed.TrimmedThrough)
            throw new Fault(StatusCode.OutOfRange, "RESUME_TOKEN_TOO_OLD",
                "The changes since this token are no longer kept. Watch without a token to get everything that exists.");
        return new(store, scope, only, after);
    }

    /// <summary>The token of a place in a module's events.</summary>
    public static string Token(long sequence) => "w" + sequence.ToString(CultureInfo.InvariantCulture);

    static long? Parse<TDb>(string token, Store<TDb> store, Violations violations) where TDb : ModuleDb
    {
        if (token.Length == 0) return null;
        violations.Require(token.StartsWith('w')
            & long.TryParse(token.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out var sequence)
            && sequence <= store.Feed.Last, "resume_token", "is not a token of a list or a watch of these resources");
        return sequence;
    }
}

/// <inheritdoc cref="Watch"/>
/// <param name="after">Where it goes on; null: it begins with what exists.</param>
public sealed class Watch<TDb>(Store<TDb> store, ProjectScope scope, Only only, long? after) where TDb : ModuleDb
{
    public ProjectScope Scope => scope;

    public Only Only => only;

    /// <summary>Those that are watched, in the order of names.</summary>
    public IQueryable<TRow> Of<TRow>(IQueryable<TRow> rows) where TRow : ResourceRow => only.Of(scope.Of(rows));

    /// <param name="noun">As in <c>Unit.Emit</c>.</param>
    /// <param name="existing">What exists now, of what is watched.</param>
    /// <param name="send">Writes one message: change, resource (null for IN_SYNC), token.</param>
    /// <param name="sees">What the caller sees of a change, if anything; default: all of it, in the projects in scope.</param>
    public async Task RunAsync<TResource>(string noun, Func<TDb, Task<List<TResource>>> existing,
        Func<ChangeType, TResource?, string, Task> send, CancellationToken cancel,
        Func<EventRow, TResource, ChangeType, Task<(ChangeType, TResource)?>>? sees = null) where TResource : class, IMessage<TResource>, new()
    {
        var last = after ?? await BeginAsync(existing, send);
        var prefix = $"monolith.{store.Module}.{noun}.";
        bool Wanted(EventRow row) => row.Type.StartsWith(prefix, StringComparison.Ordinal) && only.Has(row)
            && (sees is not null || scope.Has(row.Project));

        await foreach (var batch in store.Feed.FollowAsync(last, cancel, Wanted))
            foreach (var row in batch)
            {
                if (!Wanted(row)) continue;
                var (change, resource) = (ChangeOf(row.Type.AsSpan(prefix.Length)), new TResource());
                resource.MergeFrom(row.Data);
                if (sees is not null)
                {
                    if (await sees(row, resource, change) is not { } seen) continue;
                    (change, resource) = seen;
                }
                await send(change, resource, Watch.Token(row.Sequence));
            }
    }

    async Task<long> BeginAsync<TResource>(Func<TDb, Task<List<TResource>>> existing,
        Func<ChangeType, TResource?, string, Task> send) where TResource : class
    {
        var (resources, sequence) = await store.SnapshotAsync(existing);
        foreach (var resource in resources) await send(ChangeType.Added, resource, Watch.Token(sequence));
        await send(ChangeType.InSync, null, Watch.Token(sequence));
        return sequence;
    }

    static ChangeType ChangeOf(ReadOnlySpan<char> word) => word switch
    {
        "created" => ChangeType.Added,
        "deleted" => ChangeType.Removed,
        _ => ChangeType.Modified,
    };
}
