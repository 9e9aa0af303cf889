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

/// <summary>Images: the description, upload and download. See <see cref="ImageImport"/>.</summary>
internal static class ImageCommands
{
    public static Noun Noun => new("image", Place.Project, ImageService.Descriptor, DiskImage.Descriptor)
    {
        About = "Disks that servers start from.",
        Aliases = ["images"],
        Columns =
        [
            Column.Name, Column.State(), Column.Of("FAMILY", "family"), Column.Enum("FORMAT", "format"), Column.Enum("VISIBILITY", "visibility"),
            Column.Bytes("SIZE", "size_bytes"), Column.Bytes("DISK", "virtual_size_bytes"),
            new("SHA256", (message, _) => Messages.Text(message, "sha256") is { Length: > 12 } sum ? sum[..12] : ""),
            Column.Age,
        ],
        Fields =
        [
            new("--family", "family", "The family that it is a version of; servers start from its newest image.")
            {
                Mutable = true, Value = "FAMILY",
            },
            new("--visibility", "visibility", "Who sees it besides its project.") { Mutable = true },
            new("--shared-with", "shared_with", "A project that sees it while it is shared; on update, all of them anew.")
            {
                Mutable = true, Value = "PROJECT", Refers = () => Catalog.Project,
            },
            new("--deprecation", "deprecation", "Whether servers should still be made from it.") { Mutable = true },
            new("--replacement", "replacement", "What to use instead: an image, or family/FAMILY.")
            {
                Mutable = true, Value = "IMAGE", Parse = ReplacementAsync,
            },
            new("--deprecation-message", "deprecation_message", "Why, for those who use it.") { Mutable = true },
            new("--hidden", "hidden", "Leave it out of its family, and of lists whose filter does not name `hidden`.") { Mutable = true },
            new("--delete-protected", "delete_protected", "Refuse to delete it.") { Mutable = true },
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
        Extra = (noun, app) => [Upload(noun, app), ImageImport.Of(noun, app), Download(noun, app), ImagePrewarmCommands.OfImage(app)],
    };

    /// <summary>What begins the short name of a family: <c>family/debian</c>.</summary>
    const string Family = "family";

    /// <summary>What an image's family completes to, where a family will do.</summary>
    public static string FamilyOf(IMessage image) =>
        Messages.Text(image, "family") is { Length: > 0 } family ? $"{Family}/{family}" : "";

    /// <summary>
    /// A short name is the project's own image, else the one of that id that it sees. <c>family/debian</c> and
    /// <c>demo/family/debian</c> are families, found in the same way.
    /// </summary>
    public static async ValueTask<JsonNode?> ResolveAsync(Run run, string text) => await NameAsync(run, text);

    /// <inheritdoc cref="ResolveAsync"/>
    public static async ValueTask<string> NameAsync(Run run, string text)
    {
        var noun = Catalog.Image;
        switch (text.Split('/'))
        {
            case [Family, { Length: > 0 } family]:
                return await SeenAsync(run, text, $"{await run.ParentAsync(noun)}/imageFamilies/{family}",
                    image => image.Family == family ? $"{Parent(image.Name)}/imageFamilies/{family}" : null);
            case [{ Length: > 0 } project, Family, { Length: > 0 } family]:
                return $"projects/{project}/imageFamilies/{family}";
            case ["projects", { Length: > 0 }, "imageFamilies", { Length: > 0 }]:
                return text;
        }
        var name = await run.ExpandAsync(noun, text);
        return text.Contains('/', StringComparison.Ordinal)
            ? name
            : await SeenAsync(run, text, name, image => Names.Id(image.Name) == text ? image.Name : null);
    }

    /// <summary>A replacement need not exist: a short name is the project's own.</summary>
    static async ValueTask<JsonNode?> ReplacementAsync(Run run, string text) => text.Split('/') switch
    {
        // An empty value takes it back.
        [""] => "",
        [Family, { Length: > 0 } family] => $"{await run.ParentAsync(Catalog.Image)}/imageFamilies/{family}",
        [_] => await run.ExpandAsync(Catalog.Image, text),
        _ => await NameAsync(run, text),
    };

    /// <summary>The project's own, else the only one that the project sees.</summary>
    /// <param name="name">What the project's own is called.</param>
    /// <param name="called">What an image is called when it is meant.</param>
    static async ValueTask<string> SeenAsync(Run run, string text, string name, Func<DiskImage, string?> called)
    {
        var noun = Catalog.Image;
        var request = new ListImagesRequest { Parent = await run.ParentAsync(noun), PageSize = 1_000 };
        ListImagesResponse page;
        var named = new HashSet<string>(StringComparer.Ordinal);
        do
        {
            page = await run.Calls.UnaryAsync<ListImagesResponse>(noun.Method("List")!, request, run.Cancel);
            named.UnionWith(page.Images.Select(called).OfType<string>());
            request.PageToken = page.NextPageToken;
        }
        while (request.PageToken.Length > 0 && !named.Contains(name));
        if (named.Contains(name) || named.Count == 0)
            // Of what is not there, the host says what is missing.
            return name;
        return named.Count == 1
            ? named.Single()
            : throw new UsageException($"Which image '{text}'?", "Say one of " + string.Join(", ", named));
    }

    static string Parent(string name) => string.Join('/', name.Split('/')[..^2]);

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
        var format = ImageImport.StoreAs();
        command.Options.Add(sum);
        command.Options.Add(format);
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
                StoreAs = ImageImport.Format(run, format),
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
            return found.Sha256 == header.Sha256 || found.SourceSha256 == header.Sha256
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
