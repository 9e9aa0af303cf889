using System.Collections.Concurrent;
using Microsoft.IdentityModel.Tokens;
using Monolith.Platform.Faults;

namespace Monolith.Identity.Providers;

/// <summary>
/// What providers sign with, as far as it was asked for. A key that is not known is asked for, so that a provider may change its
/// keys at any time; but never sooner than <see cref="Floor"/> after it was asked last, however many invented keys come:
/// <code>
///   fresh, and has the key ──▶ answer
///   else, not asked lately ──▶ ask, once for all who wait ──▶ answer
///   else, or nothing comes ──▶ what was known before, up to <see cref="Longest"/> old
/// </code>
/// </summary>
internal sealed class ProviderKeys(ProviderDocuments documents, TimeProvider time)
{
    public static readonly TimeSpan Floor = TimeSpan.FromSeconds(5);
    static readonly TimeSpan Fresh = TimeSpan.FromHours(1), Longest = TimeSpan.FromDays(1);

    readonly ConcurrentDictionary<string, Issuer> issuers = new(StringComparer.Ordinal);

    /// <summary>Those that may have signed: of that id, or all where there is none.</summary>
    /// <exception cref="Fault">UNAVAILABLE.</exception>
    public async Task<IReadOnlyList<JsonWebKey>> FindAsync(string issuer, string id, CancellationToken cancel)
    {
        var known = issuers.GetOrAdd(issuer, i => new(i, documents, time));
        if (known.Ask(id) is { } asking) await asking.WaitAsync(cancel);
        var found = known.Find(id);
        return found.Count == 0 && known.Problem is { } problem ? throw Unavailable(issuer, problem) : found;
    }

    static Fault Unavailable(string issuer, ProviderProblem problem) => new(Grpc.Core.StatusCode.Unavailable, problem.Reason,
        $"Nobody can sign in at the moment: {issuer} {problem.Message}. Try again, and tell the operators of the cloud if it stays.")
    {
        Metadata = new Dictionary<string, string> { ["issuer"] = issuer },
        RetryAfter = Floor,
        Private = problem.InnerException?.ToString(),
    };

    /// <summary>What is known of one.</summary>
    sealed class Issuer(string issuer, ProviderDocuments documents, TimeProvider time)
    {
        readonly Lock gate = new();
        IReadOnlyList<JsonWebKey>? keys;
        DateTimeOffset got, asked = DateTimeOffset.MinValue;
        Task? asking;

        public ProviderProblem? Problem { get; private set; }

        /// <returns>Null: it is known, or was asked for just now.</returns>
        public Task? Ask(string id)
        {
            lock (gate)
            {
                var now = time.GetUtcNow();
                if (keys is not null && now - got < Fresh && Has(id)) return null;
                if (asking is not null) return asking;
                if (asked != DateTimeOffset.MinValue && now - asked < Floor) return null;
                return asking = AskAsync();
            }
        }

        public IReadOnlyList<JsonWebKey> Find(string id)
        {
            lock (gate)
            {
                if (keys is null || time.GetUtcNow() - got > Longest) return [];
                return id.Length == 0 ? keys : [.. keys.Where(k => k.KeyId == id)];
            }
        }

        bool Has(string id) => id.Length == 0 || keys!.Any(k => k.KeyId == id);

        async Task AskAsync()
        {
            // Whoever asks holds the gate.
            await Task.Yield();
            try
            {
                var found = await documents.KeysAsync(issuer);
                lock (gate) (keys, got, asked, Problem, asking) = (found, time.GetUtcNow(), time.GetUtcNow(), null, null);
            }
            catch (Exception e)
            {
                var problem = e as ProviderProblem ?? new ProviderProblem("PROVIDER_UNREACHABLE", "cannot be asked for its keys", e);
                lock (gate) (asked, Problem, asking) = (time.GetUtcNow(), problem, null);
            }
        }
    }
}
