using System.CommandLine.Completions;
using Google.Protobuf;
using Grpc.Core;
using Monolith.Cli.Api;
using Monolith.Cli.Nouns;
using Monolith.Cli.Session;

namespace Monolith.Cli.Completion;

/// <summary>
/// Completes the names of resources that exist, by asking the host. A person is waiting at the prompt: what is not
/// there within <see cref="Patience"/> is left out, and no failure is shown.
/// </summary>
/// <remarks>
/// System.CommandLine asks for completions without awaiting, so a source only notes which names are wanted there; they
/// are asked for afterwards.
/// </remarks>
internal sealed class LiveNames(Surroundings around)
{
    /// <summary>
    /// With the start of the process, an answer stays under the 300 ms in which a prompt feels stuck.
    /// </summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(220);

    readonly List<(Noun Noun, Func<IMessage, string>? Also, CompletionContext Context)> wanted = [];

    /// <summary>A source that has no words of its own and has the noun's names asked for.</summary>
    /// <param name="noun">Whose names.</param>
    /// <param name="also">What else of each resource; empty: nothing.</param>
    public Func<CompletionContext, IEnumerable<CompletionItem>> Of(
        Func<Noun> noun, Func<IMessage, string>? also = null) => context =>
    {
        wanted.Add((noun(), also, context));
        return [];
    };

    /// <summary>
    /// The names that were wanted since the last call; none when the host does not give them in time.
    /// </summary>
    public async Task<IReadOnlyList<string>> TakeAsync(CancellationToken cancel)
    {
        var wanted = this.wanted.ToArray();
        this.wanted.Clear();
        if (wanted.Length == 0)
            return [];
        using var limit = new CancellationTokenSource(Patience, around.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, limit.Token);
        // Apart from this thread, and given up even where the library does not heed the token: looking up a host's
        // name, for one, cannot be stopped.
        var asked = Task.WhenAll(wanted.Select(one =>
            Task.Run(() => ListAsync(one.Noun, one.Also, one.Context, either.Token), CancellationToken.None)));
        try
        {
            return [.. (await asked.WaitAsync(either.Token)).SelectMany(names => names)];
        }
        catch (OperationCanceledException)
        {
            return [];
        }
    }

    async Task<IReadOnlyList<string>> ListAsync(
        Noun noun, Func<IMessage, string>? also, CompletionContext context, CancellationToken cancel)
    {
        try
        {
            var settings = Globals.Settle(context.ParseResult, around) with { Verbose = false };
            using var run = new Run(context.ParseResult, around, settings, cancel);
            var method = noun.Method("List")!;
            var request = Messages.New(method.InputType);
            Messages.Set(request, "parent", await run.ParentAsync(noun));
            Messages.Set(request, "page_size", 1_000);
            var answer = await run.Calls.UnaryAsync(method, request, cancel);
            return [.. Messages.Many<IMessage>(answer, noun.SnakeSeveral).SelectMany(resource => (string[])
                [Names.Id(Messages.Text(resource, "name")), also?.Invoke(resource) ?? ""]).Where(word => word.Length > 0)];
        }
        catch (Exception error) when (error is RpcException or UsageException or OperationCanceledException)
        {
            return [];
        }
    }
}
