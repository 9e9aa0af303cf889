using System.CommandLine;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Grpc.Core;
using Monolith.Cli.Api;
using Monolith.Cli.Output;
using Monolith.Cli.Session;
using Monolith.Cli.Transfers;
using Monolith.Cli.Verbs;
using Monolith.Image.V1;
using DiskImage = Monolith.Image.V1.Image;

namespace Monolith.Cli.Nouns;

/// <summary>Images: the description, upload and download.</summary>
internal static class ImageCommands
{
    public static Noun Noun => new("image", Place.Project, ImageService.Descriptor, DiskImage.Descriptor)
    {
        About = "Disks that servers start from.",
        Aliases = ["images"],
        Columns =
        [
            Column.Name, Column.Enum("FORMAT", "format"), Column.Enum("VISIBILITY", "visibility"),
            Column.Bytes("SIZE", "size_bytes"), Column.Bytes("DISK", "virtual_size_bytes"),
            new("SHA256", (message, _) => Messages.Text(message, "sha256") is { Length: > 12 } sum ? sum[..12] : ""),
            Column.Age,
        ],
        Fields =
        [
            new("--visibility", "visibility", "Who sees it besides its project.") { Mutable = true },
            new("--min-disk", "min_disk_gib", "The least disk of a flavor: 10GiB.")
            {
                Mutable = true, Value = "SIZE", Parse = Sizes.Gib,
            },
            new("--min-memory", "min_memory_mib", "The least memory of a flavor: 512MiB.")
            {
                Mutable = true, Value = "SIZE", Parse = Sizes.Mib,
            },
            Fields.DisplayName, Fields.Labels,
        ],
        Extra = (noun, app) => [Upload(noun, app), Download(noun, app)],
    };

    /// <summary>A short name is the project's own image, else the one public image of that id.</summary>
    public static async ValueTask<JsonNode?> ResolveAsync(Run run, string text) => await NameAsync(run, text);

    /// <inheritdoc cref="ResolveAsync"/>
    public static async ValueTask<string> NameAsync(Run run, string text)
    {
        var noun = Catalog.Image;
        var name = await run.ExpandAsync(noun, text);
        if (text.Contains('/', StringComparison.Ordinal))
            return name;
        var request = new ListImagesRequest { Parent = await run.ParentAsync(noun), PageSize = 1_000 };
        ListImagesResponse page;
        var named = new List<string>();
        do
        {
            page = await run.Calls.UnaryAsync<ListImagesResponse>(noun.Method("List")!, request, run.Cancel);
            named.AddRange(page.Images.Select(image => image.Name).Where(other => Names.Id(other) == text));
            request.PageToken = page.NextPageToken;
        }
        while (request.PageToken.Length > 0 && !named.Contains(name));
        return named switch
        {
            _ when named.Contains(name) => name,
            [var only] => only,
            // The host says what is missing.
            [] => name,
            _ => throw new UsageException($"Which image '{text}'?", "Say one of " + string.Join(", ", named)),
        };
    }

    static Command Upload(Noun noun, App app)
    {
        var command = new Command("upload", "Upload a disk image (raw or qcow2).");
        var name = new Argument<string>("NAME") { Description = "The new image's id." };
        var file = new Argument<string>("FILE") { Description = "The image." };
        var sum = new Option<string?>("--sha256")
        {
            Description = "What the file must hash to; refused before anything is sent when it does not.",
            HelpName = "HEX",
        };
        command.Arguments.Add(name);
        command.Arguments.Add(file);
        var options = FieldOption.AddTo(command, noun, app, creates: true);
        command.Options.Add(sum);
        command.Options.Add(Mutation.ExistOk);
        Mutation.AddTo(command, waits: false);
        return app.Does(command, async run =>
        {
            var (resource, _) = await FieldOption.ReadAsync(run, noun, options);
            var full = await run.ExpandAsync(noun, run.Line.GetValue(name)!);
            var header = new UploadImageRequest.Types.Header
            {
                Parent = string.Join('/', full.Split('/')[..^2]),
                ImageId = Names.Id(full),
                Image = (DiskImage)JsonParser.Default.Parse(resource.ToJsonString(), DiskImage.Descriptor),
            };
            Mutation.Apply(run, header);
            var image = await SendAsync(run, noun, header, run.Line.GetValue(file)!, run.Line.GetValue(sum));
            Printer.Write(run, noun, image);
            return ExitCode.Done;
        });
    }

    static async Task<IMessage> SendAsync(
        Run run, Noun noun, UploadImageRequest.Types.Header header, string file, string? expected)
    {
        await using var content = Transfer.Open(file);
        using var progress = TransferProgress.Of(run.Around, Path.GetFileName(file));
        header.SizeBytes = content.Length;
        header.Sha256 = await Transfer.HashAsync(content, progress, run.Cancel);
        if (expected is not null && !expected.Equals(header.Sha256, StringComparison.OrdinalIgnoreCase))
            throw new UsageException($"{file} has the sha256 {header.Sha256}, not {expected}.", "Fetch it again.");
        var name = $"{header.Parent}/images/{header.ImageId}";
        try
        {
            // A refusal in the middle of a stream may be lost with its connection, and the bytes are for nothing: what can
            // be refused is asked for before. Not of a repeat, which is answered as it was.
            if (header is { ValidateOnly: false, RequestId.Length: 0 })
            {
                var trial = header.Clone();
                (trial.ValidateOnly, trial.RequestId) = (true, Guid.CreateVersion7().ToString());
                await UploadAsync(trial);
            }
            if (header.RequestId.Length == 0)
                header.RequestId = Guid.CreateVersion7().ToString();
            return await UploadAsync(header);
        }
        catch (RpcException error) when (
            error.StatusCode == StatusCode.AlreadyExists && run.Line.GetValue(Mutation.ExistOk))
        {
            var found = (DiskImage)await Show.GetAsync(run, noun, name);
            return found.Sha256 == header.Sha256
                ? found
                : throw new UsageException($"{name} exists with other content (sha256 {found.Sha256}).",
                    "Upload it under another name, or delete the one that is there.");
        }

        Task<IMessage> UploadAsync(UploadImageRequest.Types.Header head) => run.Calls.UploadAsync(
            noun.Service.FindMethodByName("UploadImage"),
            Transfer.PartsAsync(head, content, progress, run.Cancel), run.Cancel);
    }

    static Command Download(Noun noun, App app)
    {
        var command = new Command("download", "Download an image. A broken download goes on where it was.");
        var name = NounCommand.Name(noun, app);
        var file = new Argument<string>("FILE") { Description = "Where to put it." };
        command.Arguments.Add(name);
        command.Arguments.Add(file);
        return app.Does(command, async run =>
        {
            var full = await run.ExpandAsync(noun, run.Line.GetValue(name)!);
            var path = run.Line.GetValue(file)!;
            using var progress = TransferProgress.Of(run.Around, Names.Id(full));
            await Transfer.DownloadAsync(run, noun.Service.FindMethodByName("DownloadImage"), full, path, progress);
            if (run.Settings.Output is OutputFormat.Table or OutputFormat.Name)
                run.Around.Out.WriteLine(path);
            return ExitCode.Done;
        });
    }
}
