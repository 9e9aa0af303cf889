using System.Globalization;
using Google.Protobuf;
using Monolith.Api.V1;
using Monolith.Cli.Api;
using Monolith.Cli.Nouns;
using Monolith.Cli.Session;

namespace Monolith.Cli.Waiting;

/// <summary>
/// Waits for a resource by its Watch, never by asking again and again:
/// <code>
///   answer of the call ──► snapshot (ADDED, IN_SYNC) ──► MODIFIED … ──► settled ─► the resource
///                               │                            │      └─► failed  ─► exit 8 with the causes
///                               └─ not in it: it is gone     └─ REMOVED: gone
/// </code>
/// The snapshot is read after the call was answered, so what it shows is never older than the call.
/// </summary>
internal static class Waiter
{
    /// <returns>The last state seen; null when the resource is gone and no message carried it.</returns>
    /// <exception cref="WaitException">It failed, vanished, or took too long.</exception>
    public static async Task<IMessage?> WaitAsync(Run run, Noun noun, IMessage made, Goal goal)
    {
        var name = Messages.Text(made, "name");
        var parent = string.Join('/', name.Split('/')[..^2]);
        var began = (goal == Goal.Settle ? Messages.Time(made, "create_time") : Messages.Time(made, "update_time"))
            ?? run.Around.Time.GetUtcNow();
        using var limit = new CancellationTokenSource(run.Settings.Timeout, run.Around.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(run.Cancel, limit.Token);
        IMessage? last = made;
        var title = $"{noun.Word} {Names.Id(name)}";
        await using var progress = Progress.Of(run.Around, title);
        try
        {
            var seen = false;
            await foreach (var change in Changes.FollowAsync(run, noun, parent, name, either.Token))
            {
                if (change.Type == ChangeType.Unspecified)
                    seen = false;
                if (change.Resource is { } resource)
                {
                    seen = true;
                    last = resource;
                    progress.Show(new Frame(Messages.Enum(resource, "state"), goal.Gone
                        ? Steps.Left(resource, began)
                        : Steps.Of(resource, began)));
                }
                if (change.Type == ChangeType.Removed || (change.Type == ChangeType.InSync && !seen))
                    return await GoneAsync(progress, title, last, goal);
                if (change.Resource is null)
                    continue;
                var verdict = noun.Life!.Judge(change.Resource, goal);
                if (verdict == Verdict.Done)
                    return last;
                if (verdict == Verdict.Failed)
                    throw await StopAsync(
                        progress, new WaitException(Causes(title, "failed", last!, began), ExitCode.WaitedFailed));
            }
            throw new InvalidOperationException("A watch ended by itself.");
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !run.Cancel.IsCancellationRequested)
        {
            throw await StopAsync(
                progress, new WaitException(TooLong(run, noun, title, name, last!, began), ExitCode.WaitedTooLong));
        }
    }

    static async Task<IMessage?> GoneAsync(Progress progress, string title, IMessage? last, Goal goal)
    {
        if (goal.Gone)
        {
            progress.Show(new Frame("gone", []));
            return last;
        }
        throw await StopAsync(progress, new WaitException($"{title} was deleted meanwhile.", ExitCode.WaitedFailed));
    }

    // The error is written under the progress, not into it.
    static async Task<WaitException> StopAsync(Progress progress, WaitException error)
    {
        await progress.DisposeAsync();
        return error;
    }

    static string TooLong(Run run, Noun noun, string title, string name, IMessage last, DateTimeOffset began)
    {
        var after = run.Settings.Timeout.TotalSeconds.ToString("0.#", CultureInfo.InvariantCulture);
        var text = Causes(title, $"is not there after {after} s; the work goes on", last, began);
        var see = noun.Word == "server" ? "events" : "show";
        return $"{text}\n`monolith {noun.Word} {see} {name}` shows how far it is; --timeout waits longer.";
    }

    static string Causes(string title, string what, IMessage last, DateTimeOffset began)
    {
        var state = Messages.Enum(last, "state");
        var lines = new List<string> { $"{title} {what}" + (state.Length > 0 ? $" ({state})." : ".") };
        foreach (var step in Steps.Of(last, began).Where(step => !step.Done && (step.Failed || step.Cause.Length > 0)))
            lines.Add($"  {step.Name}: {(step.Cause.Length > 0 ? step.Cause : "no cause was given")}");
        return string.Join('\n', lines);
    }
}
