using System.CommandLine;
using Google.Protobuf;
using Grpc.Core;
using Monolith.Cli.Output;
using Monolith.Cli.Session;
using Monolith.Cli.Verbs;
using Monolith.Cli.Waiting;
using Monolith.Image.V1;
using DiskImage = Monolith.Image.V1.Image;

namespace Monolith.Cli.Nouns;

/// <summary><c>image import NAME URL</c></summary>
internal static class ImageImport
{
    public static Command Of(Noun noun, App app)
    {
        var command = new Command("import", "Make an image of what is at a URL; the host fetches it.");
        var name = new Argument<string>("NAME") { Description = "The new image's id." };
        var url = new Argument<string>("URL") { Description = "Where the disk image is (raw or qcow2), https or http." };
        var sum = new Option<string?>("--sha256") { Description = "What the content must hash to.", HelpName = "HEX" };
        var most = new Option<string?>("--max-size") { Description = "The most that is taken: 10GiB.", HelpName = "SIZE" };
        var format = StoreAs();
        command.Arguments.Add(name);
        command.Arguments.Add(url);
        var options = FieldOption.AddTo(command, noun, app, creates: true);
        command.Options.Add(sum);
        command.Options.Add(most);
        command.Options.Add(format);
        command.Options.Add(Mutation.ExistOk);
        Mutation.AddTo(command, waits: true);
        return app.Does(command, async run =>
        {
            var (resource, _) = await FieldOption.ReadAsync(run, noun, options);
            var full = await run.ExpandAsync(noun, run.Line.GetValue(name)!);
            var request = new ImportImageRequest
            {
                Parent = string.Join('/', full.Split('/')[..^2]),
                ImageId = Names.Id(full),
                Image = (DiskImage)JsonParser.Default.Parse(resource.ToJsonString(), DiskImage.Descriptor),
                Url = run.Line.GetValue(url)!,
                Sha256 = run.Line.GetValue(sum)?.ToLowerInvariant() ?? "",
                MaxSizeBytes = run.Line.GetValue(most) is { } text ? Sizes.Parse(text, 1) : 0,
                StoreAs = Format(run, format),
            };
            Mutation.Apply(run, request);
            var made = await ImportAsync(run, noun, full, request);
            if (Mutation.Waits(run))
                made = await Waiter.WaitAsync(run, noun with { Life = Life.Image }, made, Goal.Settle) ?? made;
            Printer.Write(run, noun, made);
            if (run.Around.Interactive && run.Settings.Output == OutputFormat.Table && !run.Line.GetValue(Mutation.ValidateOnly)
                && made is DiskImage { State: DiskImage.Types.State.Importing })
                run.Around.Error.WriteLine($"It is under way: `monolith image watch {Names.Id(full)}` follows it; with --wait, import "
                    + "stays until it is there, and `monolith image delete` ends it.");
            return ExitCode.Done;
        });
    }

    public static Option<string?> StoreAs()
    {
        var option = new Option<string?>("--store-as")
        {
            Description = "Keep it as raw or qcow2, whatever it comes as.",
            HelpName = "FORMAT",
        };
        option.AcceptOnlyFromAmong("raw", "qcow2");
        return option;
    }

    public static DiskImage.Types.Format Format(Run run, Option<string?> option) => run.Line.GetValue(option) switch
    {
        "raw" => DiskImage.Types.Format.Raw,
        "qcow2" => DiskImage.Types.Format.Qcow2,
        _ => DiskImage.Types.Format.Unspecified,
    };

    static async Task<IMessage> ImportAsync(Run run, Noun noun, string full, ImportImageRequest request)
    {
        try
        {
            return await run.Calls.UnaryAsync(noun.Service.FindMethodByName("ImportImage"), request, run.Cancel);
        }
        catch (RpcException error) when (error.StatusCode == StatusCode.AlreadyExists && run.Line.GetValue(Mutation.ExistOk))
        {
            var found = (DiskImage)await Show.GetAsync(run, noun, full);
            return found.Import?.Url == request.Url && (request.Sha256.Length == 0 || found.Import.Sha256 == request.Sha256)
                ? found
                : throw new UsageException($"{full} exists and is not from there.",
                    "Import it under another name, or delete the one that is there.");
        }
    }
}
