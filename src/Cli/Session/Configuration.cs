using System.Text.Json;
using System.Text.Json.Nodes;

namespace Monolith.Cli.Session;

/// <summary>
/// Where to call, under a name that a person chose. Every part may be null: then it is not configured.
/// </summary>
internal sealed record Context(string? Endpoint, string? Token, string? Ca, string? Project)
{
    /// <summary>The token's name, of one that a sign-in made: <c>users/{user}/tokens/{token}</c>.</summary>
    public string? Session { get; init; }
}

/// <summary>
/// The configuration file: contexts by name, and which one is current. It holds tokens, so it is written with mode
/// 0600 and replaced whole, never in part.
/// </summary>
internal sealed class Configuration
{
    readonly string file;

    public string? Current { get; set; }

    public SortedDictionary<string, Context> Contexts { get; } = new(StringComparer.Ordinal);

    Configuration(string file) => this.file = file;

    public Context? CurrentContext =>
        Current is not null && Contexts.TryGetValue(Current, out var context) ? context : null;

    /// <summary>Reads the file; an absent one is an empty configuration.</summary>
    /// <exception cref="UsageException">The file is not what this command writes.</exception>
    public static Configuration Read(string file)
    {
        var configuration = new Configuration(file);
        if (!File.Exists(file))
            return configuration;
        try
        {
            var root = JsonNode.Parse(File.ReadAllText(file))!.AsObject();
            configuration.Current = (string?)root["current"];
            foreach (var (name, node) in root["contexts"]?.AsObject() ?? [])
                configuration.Contexts[name] = new Context(
                    (string?)node?["endpoint"], (string?)node?["token"], (string?)node?["ca"],
                        (string?)node?["project"])
                {
                    Session = (string?)node?["session"],
                };
            return configuration;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or NullReferenceException)
        {
            throw new UsageException(
                $"{file} cannot be read: {error.Message}", "Repair it, or delete it and start anew.");
        }
    }

    public void Save()
    {
        var contexts = new JsonObject();
        foreach (var (name, context) in Contexts)
            contexts[name] = Written(context);
        var root = new JsonObject { ["current"] = Current, ["contexts"] = contexts };

        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        var temporary = $"{file}.{Environment.ProcessId}";
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var stream = new FileStream(temporary, options))
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
            root.WriteTo(writer);
        File.Move(temporary, file, overwrite: true);
    }

    static JsonObject Written(Context context)
    {
        var node = new JsonObject();
        foreach (var (key, value) in new[]
        {
            ("endpoint", context.Endpoint), ("token", context.Token), ("ca", context.Ca), ("project", context.Project),
            ("session", context.Session),
        })
            if (value is not null)
                node[key] = value;
        return node;
    }
}
