using System.Runtime.CompilerServices;
using Google.Protobuf;
using Grpc.Core;
using Monolith.Api.V1;
using Monolith.Cli.Api;
using Monolith.Cli.Nouns;
using Monolith.Cli.Session;

namespace Monolith.Cli.Waiting;

/// <summary>
/// One message of a watch; the resource is null in IN_SYNC. UNSPECIFIED is this side's own: a snapshot begins, and what
/// was seen before counts no more.
/// </summary>
internal readonly record struct Change(ChangeType Type, IMessage? Resource);

/// <summary>
/// Follows a Watch method across broken connections: it resumes where it was, and starts anew from a snapshot when the
/// host no longer knows that place. It ends only with its caller's token, or with an error that a repeat cannot cure.
/// </summary>
internal static class Changes
{
    static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    /// <param name="run">The command.</param>
    /// <param name="noun">What is watched.</param>
    /// <param name="parent">In what.</param>
    /// <param name="only">This resource alone; null for all of them.</param>
    /// <param name="cancel">Ends the watch.</param>
    public static async IAsyncEnumerable<Change> FollowAsync(
        Run run, Noun noun, string parent, string? only, [EnumeratorCancellation] CancellationToken cancel)
    {
        var method = noun.Method("Watch")!;
        var resume = "";
        var failures = 0;
        while (true)
        {
            if (resume.Length == 0)
                yield return new Change(ChangeType.Unspecified, null);
            var request = Messages.New(method.InputType);
            Messages.Set(request, "parent", parent);
            Messages.Set(request, "resume_token", resume);
            Messages.Set(request, "name", only);
            await using var messages = run.Calls.StreamAsync(method, request, cancel).GetAsyncEnumerator(cancel);
            while (true)
            {
                try
                {
                    if (!await messages.MoveNextAsync())
                        break;
                }
                // gRPC's own word for a token that was cancelled.
                catch (RpcException error) when (
                    error.StatusCode == StatusCode.Cancelled && cancel.IsCancellationRequested)
                {
                    throw new OperationCanceledException(error.Message, error, cancel);
                }
                catch (RpcException error) when (Again(error, resume))
                {
                    if (error.StatusCode == StatusCode.OutOfRange)
                        resume = "";
                    break;
                }
                failures = 0;
                if (Messages.Text(messages.Current, "resume_token") is { Length: > 0 } token)
                    resume = token;
                if (Read(noun, messages.Current, only) is { } change)
                    yield return change;
            }
            // The first repeat is at once: a host that restarts closes its streams and is back soon.
            var pause = TimeSpan.FromMilliseconds(failures == 0 ? 50 : 100 * Math.Pow(2, Math.Min(failures, 6)));
            failures++;
            await Task.Delay(pause < Longest ? pause : Longest, run.Around.Time, cancel);
        }
    }

    static bool Again(RpcException error, string resume) => error.StatusCode switch
    {
        StatusCode.Unavailable or StatusCode.Aborted or StatusCode.ResourceExhausted => true,
        StatusCode.OutOfRange => resume.Length > 0,
        _ => false,
    };

    static Change? Read(Noun noun, IMessage message, string? only)
    {
        var type = Messages.Get(message, "change") is ChangeType change ? change : ChangeType.Unspecified;
        if (type == ChangeType.InSync)
            return new Change(type, null);
        if (Messages.Get(message, noun.Snake) is not IMessage resource || type == ChangeType.Unspecified)
            return null;
        return only is null || Messages.Text(resource, "name") == only ? new Change(type, resource) : null;
    }
}
