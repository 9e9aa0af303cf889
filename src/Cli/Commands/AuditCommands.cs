using System.CommandLine;
using System.Globalization;
using Google.Protobuf;
using Grpc.Core;
using Monolith.Cli.Api;
using Monolith.Cli.Nouns;
using Monolith.Cli.Output;
using Monolith.Cli.Session;
using Monolith.Cli.Verbs;
using Monolith.Events.V1;
using Monolith.Protos;

namespace Monolith.Cli.Commands;

/// <summary>The audit log: who did what, from where, with what result; taken along, and proved to be whole.</summary>
internal static class AuditCommands
{
    static readonly Column[] Columns =
    [
        Column.Number("SEQ", "sequence"), Column.Time("TIME", "time"),
        new("WHO", (message, _) => message is AuditEntry { Caller.Length: > 0 } entry ? entry.Caller : "nobody known"),
        new("DID", (message, _) => message is AuditEntry entry ? entry.Method[(entry.Method.LastIndexOf('/') + 1)..] : ""),
        Column.Of("TO", "resource"), new("RESULT", (message, _) => message is AuditEntry entry ? Result(entry) : ""),
        Column.Of("FROM", "peer"),
    ];

    static readonly Option<bool> Cloud = new("--all-projects", "-A") { Description = "Of the whole cloud." };
    static readonly Option<string?> By = new("--by") { Description = "Only what this user did, or nodes/NODE.", HelpName = "USER" };
    static readonly Option<string?> On = new("--on")
    {
        Description = "Only what was done to resources whose name has this in it.", HelpName = "TEXT",
    };
    static readonly Option<string?> Since = new("--since")
    {
        Description = "Only since then: 2026-01-31T12:00:00Z, or 2h for two hours ago.", HelpName = "TIME",
    };
    static readonly Option<bool> Refused = new("--refused") { Description = "Only calls whose caller was refused." };
    static readonly Option<int> Newest = new("--limit")
    {
        Description = "At most this many; 0 for all.", HelpName = "N", DefaultValueFactory = _ => 100,
    };

    public static Command Of(App app)
    {
        var command = new Command("audit", "Who did what, from where, with what result.");
        command.Subcommands.Add(ListCommand(app));
        command.Subcommands.Add(Export(app));
        command.Subcommands.Add(Verify(app));
        return command;
    }

    static Command ListCommand(App app)
    {
        var command = new Command("list", "List calls that changed something, failed to, or were refused; newest first.");
        command.Aliases.Add("ls");
        By.CompletionSources.Add(app.NamesOf(() => Catalog.User));
        foreach (var option in new Option[] { By, On, Since, Refused, List.Filter, Newest, Cloud }) command.Options.Add(option);
        return app.Does(command, async run =>
        {
            var limit = run.Line.GetValue(Newest);
            var all = new ListAuditEntriesResponse();
            await foreach (var entry in EntriesAsync(run, await ParentAsync(run), await FilterAsync(run), limit, newestFirst: true))
            {
                all.Entries.Add(entry);
                if (all.Entries.Count == limit) break;
            }
            if (run.Settings.Output == OutputFormat.Name)
                foreach (var entry in all.Entries) run.Around.Out.WriteLine(entry.Resource);
            else Printer.Write(run, Columns, [.. all.Entries], all);
            return ExitCode.Done;
        });
    }

    static Command Export(App app)
    {
        var command = new Command("export", "Write the whole cloud's entries as JSON, one a line, oldest first. `audit verify --file` proves them.");
        command.Options.Add(Since);
        return app.Does(command, async run =>
        {
            // By their places: a note's time is before that of what was written before it.
            var filter = "";
            if (SinceOf(run) is { } since)
                await foreach (var first in EntriesAsync(run, "", since, 1, newestFirst: false))
                {
                    filter = string.Create(CultureInfo.InvariantCulture, $"sequence >= {first.Sequence}");
                    break;
                }
            if (filter.Length > 0 || SinceOf(run) is null)
                await foreach (var entry in EntriesAsync(run, "", filter, 0, newestFirst: false))
                    run.Around.Out.WriteLine(Printer.JsonLine(entry));
            return ExitCode.Done;
        });
    }

    static Command Verify(App app)
    {
        var command = new Command("verify",
            "Prove that no entry was changed or taken out. Ends with the anchor of today: keep it elsewhere, and give it the next time.");
        var anchor = new Option<string?>("--anchor")
        {
            Description = "What an earlier run ended with: the log must still have that entry as it was.", HelpName = "SEQ:DIGEST",
        };
        var file = new Option<string?>("--file") { Description = "Of what `audit export` wrote, instead of the cloud's.", HelpName = "FILE" };
        command.Options.Add(anchor);
        command.Options.Add(file);
        return app.Does(command, async run =>
        {
            var (after, digest) = AnchorOf(run.Line.GetValue(anchor));
            var (through, last, count, fault) = run.Line.GetValue(file) is { } path
                ? await ProveAsync(path, after, digest, run.Cancel)
                : await AskAsync(run, after, digest);
            if (fault.Length > 0)
            {
                run.Around.Error.WriteLine(fault);
                return ExitCode.Failed;
            }
            run.Around.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{count} entries are as they were written."));
            run.Around.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"anchor: {through}:{Convert.ToHexStringLower(last)}"));
            return ExitCode.Done;
        });
    }

    static async Task<(long Through, byte[] Digest, long Count, string Fault)> AskAsync(Run run, long after, byte[] digest)
    {
        var request = new VerifyAuditEntriesRequest { After = after, Digest = ByteString.CopyFrom(digest) };
        for (var count = 0L; ;)
        {
            var answer = await run.Calls.UnaryAsync<VerifyAuditEntriesResponse>(
                AuditService.Descriptor.FindMethodByName("VerifyAuditEntries"), request, run.Cancel);
            if (answer.Fault.Length > 0) return (0, [], 0, answer.Fault);
            count += answer.Entries;
            if (answer.Through >= answer.LastSequence) return (answer.Through, answer.Digest.ToByteArray(), count, "");
            (request.After, request.Digest) = (answer.Through, answer.Digest);
        }
    }

    /// <summary>Of a file, without the cloud. An entry that joins on to one that is not here is taken as it is, and not counted, unless
    /// an anchor says what it joins on to.</summary>
    static async Task<(long Through, byte[] Digest, long Count, string Fault)> ProveAsync(string path, long after, byte[] digest,
        CancellationToken cancel)
    {
        AuditChain? chain = null;
        var (read, proved) = (0L, 0L);
        await foreach (var line in File.ReadLinesAsync(path, cancel))
        {
            if (line.Length == 0) continue;
            var entry = EntryOf(path, ++read, line);
            // A part of the log joins on to an entry that is not here: to the anchor's, or to one that nobody knows.
            chain ??= entry.Sequence > after && after > 0 ? new(after, digest) : new(Math.Max(entry.Sequence - 1, 0), []);
            if (chain.IsJoined) proved++;
            if (chain.Add(entry) is { } wrong) return (0, [], 0, wrong);
            if (chain.Through == after && !chain.Digest.AsSpan().SequenceEqual(digest))
                return (0, [], 0, $"Entry {after} has another digest than the anchor: it or one before was changed.");
        }
        var through = chain?.Through ?? 0;
        return through < after ? (0, [], 0, $"The file ends before entry {after}, which the anchor names.")
            : (through, chain?.Digest ?? [], proved, "");
    }

    static AuditEntry EntryOf(string path, long line, string text)
    {
        try
        {
            return AuditEntry.Parser.ParseJson(text);
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or InvalidJsonException)
        {
            throw new UsageException($"{path}:{line} is no entry of an audit log.", "Give a file that `monolith audit export` wrote.");
        }
    }

    static (long, byte[]) AnchorOf(string? text)
    {
        if (text is null) return (0, []);
        try
        {
            if (text.Split(':') is [var sequence, { Length: 64 } digest]
                && long.TryParse(sequence, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0)
                return (number, Convert.FromHexString(digest));
        }
        catch (FormatException)
        {
            // Said below.
        }
        throw new UsageException($"'{text}' is no anchor.", "Give what `monolith audit verify` ended with: SEQ:DIGEST.");
    }

    static async Task<string> ParentAsync(Run run) => run.Line.GetValue(Cloud) ? "" : $"projects/{await run.ProjectAsync()}";

    static async Task<string> FilterAsync(Run run)
    {
        var parts = new List<string>();
        if (run.Line.GetValue(List.Filter) is { Length: > 0 } filter) parts.Add($"({filter})");
        if (run.Line.GetValue(By) is { } by)
            parts.Add($"caller = \"{(by.Contains('/', StringComparison.Ordinal) ? by : await run.ExpandAsync(Catalog.User, by))}\"");
        if (run.Line.GetValue(On) is { } on) parts.Add($"resource : \"{on.Replace("\"", "", StringComparison.Ordinal)}\"");
        if (run.Line.GetValue(Refused)) parts.Add("(code = 7 OR code = 16)");
        if (SinceOf(run) is { } since) parts.Add(since);
        return string.Join(" AND ", parts);
    }

    static string? SinceOf(Run run) => run.Line.GetValue(Since) is { } since
        ? $"time >= \"{Settings.ParseMoment(since, run.Around.Time.GetUtcNow()).UtcDateTime.ToString("O", CultureInfo.InvariantCulture)}\""
        : null;

    static async IAsyncEnumerable<AuditEntry> EntriesAsync(Run run, string parent, string filter, int limit, bool newestFirst)
    {
        var size = limit > 0 ? Math.Min(limit, 1_000) : 1_000;
        var request = new ListAuditEntriesRequest { Parent = parent, Filter = filter, NewestFirst = newestFirst, PageSize = size };
        do
        {
            var page = await run.Calls.UnaryAsync<ListAuditEntriesResponse>(
                AuditService.Descriptor.FindMethodByName("ListAuditEntries"), request, run.Cancel);
            foreach (var entry in page.Entries) yield return entry;
            request.PageToken = page.NextPageToken;
        }
        while (request.PageToken.Length > 0);
    }

    static string Result(AuditEntry entry)
    {
        var result = entry.Code == 0 ? "done" : entry.Reason.Length > 0 ? entry.Reason : ((StatusCode)entry.Code).ToString();
        return entry.Count > 1 ? string.Create(CultureInfo.InvariantCulture, $"{result} ×{entry.Count}") : result;
    }
}
