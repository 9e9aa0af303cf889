using System.CommandLine;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Monolith.Cli.Api;
using Monolith.Cli.Session;
using Monolith.Cli.Verbs;
using Monolith.Cli.Waiting;
using Monolith.Compute.V1;

namespace Monolith.Cli.Nouns;

/// <summary>Prewarms: the description, and <c>image prewarm</c>, which makes one by the name of its image.</summary>
internal static class ImagePrewarmCommands
{
    public static Noun Noun => new("prewarm", Place.Cloud, ImagePrewarmService.Descriptor, ImagePrewarm.Descriptor)
    {
        About = "Images that hypervisors hold before a server asks for them.",
        Aliases = ["prewarms", "image-prewarm"],
        Columns =
        [
            Column.Name, Column.State(), new("IMAGE", Image), Column.Of("ZONE", "availability_zone"),
            Column.Of("LABELS", "hypervisor_labels"),
            new("HOLD IT", (message, _) =>
                $"{Messages.Get(message, "holding_count") ?? 0}/{Messages.Get(message, "hypervisor_count") ?? 0}")
            {
                RightAligned = true,
            },
            Column.Number("FETCH", "fetching_count"), Column.Number("WAIT", "waiting_count"),
            Column.Number("FAILED", "failed_count"), Column.Number("DOWN", "down_count"), Column.Bytes("SIZE", "size_bytes"),
            Column.Age,
        ],
        Fields =
        [
            new("--image", "image", "The image, or family/FAMILY for its newest.")
            {
                Required = true, Value = "IMAGE", Refers = () => Catalog.Image, Also = ImageCommands.FamilyOf,
                Parse = ImageCommands.ResolveAsync,
            },
            .. Which,
        ],
        Life = Life.Prewarm,
    };

    static readonly Field[] Which =
    [
        new("--availability-zone", "availability_zone", "Only hypervisors there. Default: everywhere.")
        {
            Value = "ZONE", Alias = "--zone", Refers = () => Catalog.AvailabilityZone, Parse = Fields.Zone,
        },
        new("--hypervisor-label", "hypervisor_labels", "Only hypervisors with it.") { Value = "KEY=VALUE", Alias = "--label" },
    ];

    /// <summary>What is held, where the image is a family.</summary>
    static string Image(IMessage message, View view)
    {
        var (image, held) = (Messages.Text(message, "image"), Messages.Text(message, "held_image"));
        var name = image.Replace("/imageFamilies/", "/images/family/", StringComparison.Ordinal);
        if (name == image || held.Length == 0) return Names.Short(image, view.Project);
        return $"{Names.Short(held, view.Project)} (family)";
    }

    /// <summary><c>image prewarm NAME</c>: the same, called as the image.</summary>
    public static Command OfImage(App app)
    {
        var command = new Command("prewarm",
            "Have hypervisors hold an image before a server asks for it; see `monolith prewarm`.");
        var name = new Argument<string>("NAME") { Description = "The image, or family/FAMILY for its newest." };
        name.CompletionSources.Add(app.NamesOf(() => Catalog.Image, ImageCommands.FamilyOf));
        var called = new Option<string?>("--as") { Description = "What the prewarm is called. Default: as the image.", HelpName = "NAME" };
        command.Arguments.Add(name);
        var options = Which.Select(f => f.Option(Catalog.Prewarm, app)).ToList();
        foreach (var option in options) command.Options.Add(option.Option);
        command.Options.Add(called);
        command.Options.Add(Mutation.ExistOk);
        Mutation.AddTo(command, waits: true);
        return app.Does(command, async run =>
        {
            var (resource, _) = await FieldOption.ReadAsync(run, Catalog.Prewarm, options);
            var image = await ImageCommands.NameAsync(run, run.Line.GetValue(name)!);
            resource["image"] = JsonValue.Create(image);
            return await Create.SendAsync(run, Catalog.Prewarm, run.Line.GetValue(called) ?? Names.Id(image),
                JsonParser.Default.Parse(resource.ToJsonString(), ImagePrewarm.Descriptor));
        });
    }
}
