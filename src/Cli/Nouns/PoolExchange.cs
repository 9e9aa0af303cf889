using System.CommandLine;
using System.Globalization;
using System.Runtime.CompilerServices;
using Google.Protobuf;
using Monolith.Cli.Output;
using Monolith.Cli.Session;
using Monolith.Cli.Transfers;
using Monolith.Cli.Verbs;
using Monolith.Network.V1;

namespace Monolith.Cli.Nouns;

/// <summary>The address book as a file: <c>pool export</c> and <c>pool import</c>.</summary>
internal static class PoolExchange
{
    const int Chunk = 1 << 20;

    static readonly Column[] Problems = [Column.Number("LINE", "line"), Column.Of("PROBLEM", "message")];

    static readonly Column[] Done =
    [
        Column.Number("POOLS CREATED", "created_pools"), Column.Number("POOLS CHANGED", "changed_pools"),
        Column.Number("RESERVATIONS CREATED", "created_reservations"), Column.Number("LINES UNCHANGED", "unchanged_lines"),
    ];

    static Option<string> Format()
    {
        var format = new Option<string>("--format")
        {
            Description = "csv, or netbox: JSON as NetBox has it.",
            HelpName = "csv|netbox",
            DefaultValueFactory = _ => "csv",
        };
        format.AcceptOnlyFromAmong("csv", "netbox");
        return format;
    }

    static AddressFormat Of(Run run, Option<string> format) =>
        run.Line.GetValue(format) == "netbox" ? AddressFormat.Netbox : AddressFormat.Csv;

    public static Command Export(Noun noun, App app)
    {
        var command = new Command("export", "Write pools, reservations and held addresses to standard output.");
        var pool = new Argument<string?>("POOL") { Description = "Default: all.", Arity = ArgumentArity.ZeroOrOne };
        pool.CompletionSources.Add(app.NamesOf(() => Catalog.Pool));
        var format = Format();
        command.Arguments.Add(pool);
        command.Options.Add(format);
        return app.Does(command, async run =>
        {
            var request = new ExportAddressesRequest
            {
                Format = Of(run, format),
                AddressPool = run.Line.GetValue(pool) is { } name ? await run.ExpandAsync(noun, name) : "",
            };
            var method = AddressService.Descriptor.FindMethodByName("ExportAddresses");
            // A chunk may end within a letter.
            var decoder = System.Text.Encoding.UTF8.GetDecoder();
            await foreach (var part in run.Calls.StreamAsync(method, request, run.Cancel))
            {
                var chunk = ((ExportAddressesResponse)part).Chunk.Span;
                var letters = new char[chunk.Length];
                run.Around.Out.Write(letters.AsSpan(0, decoder.GetChars(chunk, letters, flush: false)));
            }
            return ExitCode.Done;
        });
    }

    public static Command Import(App app)
    {
        var command = new Command("import",
            "Add what a file has: pools, prefixes, exclusions, reservations. Nothing is changed when any line is wrong.");
        var file = new Argument<string>("FILE") { Description = "As `pool export` writes it." };
        var format = Format();
        command.Arguments.Add(file);
        command.Options.Add(format);
        Mutation.AddTo(command, waits: false);
        return app.Does(command, async run =>
        {
            var header = new ImportAddressesRequest.Types.Header { Format = Of(run, format) };
            Mutation.Apply(run, header);
            if (header.RequestId.Length == 0) header.RequestId = Guid.CreateVersion7().ToString();
            await using var content = Transfer.Open(run.Line.GetValue(file)!);
            var method = AddressService.Descriptor.FindMethodByName("ImportAddresses");
            var answer = (ImportAddressesResponse)await run.Calls.UploadAsync(method, PartsAsync(header, content, run.Cancel),
                run.Cancel);
            if (answer.Problems.Count == 0)
            {
                Printer.Write(run, Done, [answer], answer);
                return ExitCode.Done;
            }
            Printer.Write(run, Problems, [.. answer.Problems], answer);
            var count = answer.Problems.Count.ToString(CultureInfo.InvariantCulture);
            run.Around.Error.WriteLine($"{count} problems; nothing was changed.");
            return ExitCode.Refused;
        });
    }

    static async IAsyncEnumerable<IMessage> PartsAsync(ImportAddressesRequest.Types.Header header, Stream content,
        [EnumeratorCancellation] CancellationToken cancel)
    {
        yield return new ImportAddressesRequest { Header = header };
        while (true)
        {
            // A message may still be on its way when the next is read: each has a buffer of its own.
            var buffer = new byte[Chunk];
            var count = await content.ReadAtLeastAsync(buffer, Chunk, throwOnEndOfStream: false, cancel);
            if (count == 0) yield break;
            yield return new ImportAddressesRequest { Chunk = UnsafeByteOperations.UnsafeWrap(buffer.AsMemory(0, count)) };
        }
    }
}
