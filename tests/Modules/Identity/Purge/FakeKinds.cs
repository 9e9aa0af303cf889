using Monolith.Identity.Contracts;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;

namespace Monolith.Modules.Tests.Identity.Purge;

/// <summary>
/// A module of resources that hang on one another, whose every answer may fail: before something is done, or after it.
/// </summary>
/// <param name="kinds">In the order of the modules; none is deleted while there is any of those that hang on it.</param>
internal sealed class FakeKinds(params (string Kind, string[] HangOnIt)[] kinds) : IProjectContents
{
    readonly Lock gate = new();
    readonly SortedDictionary<string, int> there = new(StringComparer.Ordinal);
    int crossings, deadly;

    public IReadOnlyList<IProjectKind> Kinds => [.. kinds.Select(k => new FakeKind(this, k.Kind, k.HangOnIt))];

    public IEnumerable<string> There => there.Keys;

    /// <summary>Boundaries that were crossed since they were armed.</summary>
    public int Crossings => crossings;

    /// <summary>Deletions that were asked for, of each.</summary>
    public Dictionary<string, int> Asked { get; } = new(StringComparer.Ordinal);

    /// <summary>The boundary that fails, from 1; 0: none.</summary>
    public void Arm(int number) => (crossings, deadly) = (0, number);

    /// <param name="turns">Deletions that it takes; one that takes more goes by itself after the first.</param>
    public void Add(string project, string kind, int count, int turns = 1)
    {
        for (var i = 0; i < count; i++) there[$"projects/{project}/{kind}/r{i:00}"] = turns;
    }

    public Task<IReadOnlyList<ProjectContent>> OfAsync(string project, CancellationToken cancel)
    {
        Cross();
        return Task.FromResult<IReadOnlyList<ProjectContent>>(
            [.. kinds.Select(k => Content(project, k.Kind)).Where(c => c.Count > 0)]);
    }

    ProjectContent Content(string project, string kind)
    {
        lock (gate)
        {
            var names = there.Keys.Where(n => n.StartsWith($"projects/{project}/{kind}/", StringComparison.Ordinal)).ToList();
            return new(kind, names.Count, [.. names.Take(3)]);
        }
    }

    void Cross()
    {
        if (Interlocked.Increment(ref crossings) == deadly) throw new InvalidOperationException($"Dead at {deadly}.");
    }

    sealed class FakeKind(FakeKinds all, string kind, string[] hangOnIt) : IProjectKind
    {
        public string Kind => kind;

        public Task<IReadOnlyList<ProjectContent>> LeftAsync(string project, CancellationToken cancel)
        {
            all.Cross();
            var content = all.Content(project, kind);
            return Task.FromResult<IReadOnlyList<ProjectContent>>(content.Count == 0 ? [] : [content]);
        }

        public Task<IReadOnlyList<string>> NextAsync(string project, string after, int count, CancellationToken cancel)
        {
            all.Cross();
            lock (all.gate)
                return Task.FromResult<IReadOnlyList<string>>([.. all.there.Keys
                    .Where(n => n.StartsWith($"projects/{project}/{kind}/", StringComparison.Ordinal))
                    .Where(n => string.CompareOrdinal(n, after) > 0).Take(count)]);
        }

        public Task DeleteAsync(string name, Call call, CancellationToken cancel)
        {
            all.Cross();
            lock (all.gate)
            {
                all.Asked[name] = all.Asked.GetValueOrDefault(name) + 1;
                if (!all.there.TryGetValue(name, out var turns)) throw Fault.NotFound(name);
                var project = name.Split('/')[1];
                if (hangOnIt.FirstOrDefault(k => all.Content(project, k).Count > 0) is { } user)
                    throw Fault.Precondition("IN_USE", name, $"{user} use {name}. Delete them first.");
                if (turns > 1) all.there[name] = turns - 1;
                else all.there.Remove(name);
            }
            all.Cross();
            return Task.CompletedTask;
        }
    }
}
