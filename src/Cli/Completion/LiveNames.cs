using System.CommandLine.Completions;
using Google.Protobuf;
using Grpc.Core;
using Monolith.Cli.Api;
using Monolith.Cli.Nouns;
using Monolith.Cli.Session;

namespace Monolith.Cli.Completion;

/// <summary>
/// Completes the names of resources that exist, by asking the host. A person is waiting at the prompt: what is not
/// there within half a second is left out, and no failure is shown.
/// </summary>
internal sealed class LiveNames(Surroundings around)
{
    static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(500);

    public Func<CompletionContext, IEnumerable<CompletionItem>> Of(Func<Noun> noun) => context =>
    {
        // System.CommandLine asks on this thread and takes no task.
        using var limit = new CancellationTokenSource(Patience);
        var asked = Task.Run(() => ListAsync(noun(), context, limit.Token), CancellationToken.None);
        return asked.GetAwaiter().GetResult().Select(name => new CompletionItem(name));
    };

    async Task<IReadOnlyList<string>> ListAsync(Noun noun, CompletionContext context, CancellationToken cancel)
    {
        try
        {
            var settings = Globals.Settle(context.ParseResult, around) with { Timeout = Patience, Verbose = false };
            using var run = new Run(context.ParseResult, around, settings, cancel);
            var method = noun.Method("List")!;
            var request = Messages.New(method.InputType);
            Messages.Set(request, "parent", await run.ParentAsync(noun));
            Messages.Set(request, "page_size", 1_000);
            var answer = await run.Calls.UnaryAsync(method, request, cancel);
            return [.. Messages.Many<IMessage>(answer, noun.Snake + "s")
                .Select(resource => Names.Id(Messages.Text(resource, "name")))];
        }
        catch (Exception error) when (error is RpcException or UsageException or OperationCanceledException)
        {
            return [];
        }
    }
}
