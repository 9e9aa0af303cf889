using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.Json.Nodes;
using Google.Protobuf.Reflection;
using Monolith.Cli.Api;
using Monolith.Cli.Session;

namespace Monolith.Cli.Nouns;

/// <summary>
/// An option of create or update, and the field that it sets. Text becomes JSON here, and the protobuf parser makes the
/// message from it: every type, enum and nesting is then checked in one place.
/// </summary>
/// <param name="Flag">The long option: <c>--flavor</c>.</param>
/// <param name="Path">The field's path of proto names from the resource: <c>ready_probe.tcp_port</c>.</param>
/// <param name="Help">One sentence.</param>
internal sealed record Field(string Flag, string Path, string Help)
{
    /// <summary>The noun whose short names are accepted.</summary>
    public Func<Noun>? Refers { get; init; }

    /// <summary>What else completes, of each resource of that noun; empty: nothing.</summary>
    public Func<Google.Protobuf.IMessage, string>? Also { get; init; }

    /// <summary>Completes what no noun's names do.</summary>
    public Func<App, Func<System.CommandLine.Completions.CompletionContext, IEnumerable<System.CommandLine.Completions.CompletionItem>>>? Completes { get; init; }

    public bool Required { get; init; }

    /// <summary>Update can set it as well.</summary>
    public bool Mutable { get; init; }

    public string Value { get; init; } = "TEXT";

    public string? Alias { get; init; }

    /// <summary>Replaces the reading of one value.</summary>
    public Func<Run, string, ValueTask<JsonNode?>>? Parse { get; init; }

    public FieldDescriptor In(MessageDescriptor resource)
    {
        var message = resource;
        var parts = Path.Split('.');
        foreach (var part in parts[..^1])
            message = message.FindFieldByName(part).MessageType;
        return message.FindFieldByName(parts[^1])
            ?? throw new InvalidOperationException($"{resource.FullName} has no field {Path}");
    }

    /// <summary>Makes the option. A boolean is a switch that also takes true or false.</summary>
    public FieldOption Option(Noun noun, App app)
    {
        var field = In(noun.Resource);
        if (field.FieldType == FieldType.Bool)
        {
            var flag = new Option<bool?>(Flag) { Description = Help, Arity = ArgumentArity.ZeroOrOne };
            return new FieldOption(this, flag, line => [line.GetValue(flag) is false ? "false" : "true"]);
        }
        var option = new Option<string[]>(Flag)
        {
            Description = Help + (field.IsRepeated ? " May be repeated." : ""),
            HelpName = Value,
            Arity = ArgumentArity.OneOrMore,
            AllowMultipleArgumentsPerToken = false,
        };
        if (Alias is not null)
            option.Aliases.Add(Alias);
        if (!field.IsRepeated)
            option.Validators.Add(result =>
            {
                if (result.Tokens.Count > 1)
                    result.AddError($"{Flag} is given more than once.");
            });
        if (field.FieldType == FieldType.Enum)
        {
            var words = Messages.EnumWords(field.EnumType).ToArray();
            option.HelpName = string.Join('|', words);
            option.CompletionSources.Add(words);
        }
        if (Refers is not null)
            option.CompletionSources.Add(app.NamesOf(Refers, Also));
        if (Completes is not null)
            option.CompletionSources.Add(Completes(app));
        return new FieldOption(this, option, line => line.GetValue(option) ?? []);
    }

    /// <summary>Writes the given values into the resource's JSON.</summary>
    public async ValueTask WriteAsync(Run run, Noun noun, IReadOnlyList<string> values, JsonObject resource)
    {
        var at = resource;
        var parts = Path.Split('.');
        foreach (var part in parts[..^1])
            at = (JsonObject)(at[part] ??= new JsonObject());
        var field = In(noun.Resource);
        if (field.IsMap)
        {
            var map = new JsonObject();
            foreach (var value in values)
                if (value.Split('=', 2) is [{ Length: > 0 } key, var text])
                    map[key] = text;
                else
                    throw new UsageException($"{Flag} wants KEY=VALUE, not '{value}'.");
            at[parts[^1]] = map;
        }
        else if (field.IsRepeated)
        {
            var list = new JsonArray();
            foreach (var value in values)
                // An empty value empties the list.
                if (value.Length > 0)
                    list.Add(await ConvertAsync(run, field, value));
            at[parts[^1]] = list;
        }
        else
        {
            at[parts[^1]] = await ConvertAsync(run, field, values.Count == 0 ? "true" : values[^1]);
        }
    }

    async ValueTask<JsonNode?> ConvertAsync(Run run, FieldDescriptor field, string text)
    {
        if (Parse is not null)
            return await Parse(run, text);
        if (Refers is not null)
            return await run.ExpandAsync(Refers(), text);
        return field.FieldType switch
        {
            FieldType.Bool when text is "true" or "false" => text == "true",
            FieldType.Bool => throw new UsageException($"{Flag} wants true or false, not '{text}'."),
            FieldType.Int32 or FieldType.Int64 or FieldType.UInt32 => Integer(text),
            FieldType.Enum => EnumValue(field.EnumType, text),
            FieldType.Message when field.MessageType.FullName == "google.protobuf.Duration" =>
                Settings.ParseSpan(text).TotalSeconds.ToString("0.#########", CultureInfo.InvariantCulture) + "s",
            FieldType.Message when field.MessageType.FullName == "google.protobuf.Timestamp" => Moment(run, text),
            FieldType.Bytes => Convert.ToBase64String(await ReadAsync(text)),
            _ => text,
        };
    }

    JsonValue Integer(string text) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            ? JsonValue.Create(number.ToString(CultureInfo.InvariantCulture))
            : throw new UsageException($"{Flag} wants a whole number, not '{text}'.");

    JsonValue EnumValue(EnumDescriptor type, string text)
    {
        var name = Messages.EnumPrefix(type) + text.ToUpperInvariant().Replace('-', '_');
        return type.FindValueByName(name) is { Number: > 0 }
            ? JsonValue.Create(name)
            : throw new UsageException($"{Flag} does not know '{text}'.",
                $"Choose one of {string.Join(", ", Messages.EnumWords(type))}.");
    }

    /// <summary>A moment: RFC 3339, or a span of time from now.</summary>
    static JsonValue Moment(Run run, string text)
    {
        var at = DateTimeOffset.TryParse(
            text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var given)
            && text.Contains('-', StringComparison.Ordinal)
                ? given
                : run.Around.Time.GetUtcNow() + Settings.ParseSpan(text.TrimStart('+'));
        return JsonValue.Create(
            at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture));
    }

    public static async Task<byte[]> ReadAsync(string file)
    {
        try
        {
            if (file != "-")
                return await File.ReadAllBytesAsync(file);
            await using var input = Console.OpenStandardInput();
            var content = new MemoryStream();
            await input.CopyToAsync(content);
            return content.ToArray();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{file} cannot be read: {error.Message}");
        }
    }
}

/// <summary>A field's option in one command.</summary>
internal sealed record FieldOption(Field Field, Option Option, Func<ParseResult, IReadOnlyList<string>> Read)
{
    /// <summary>Adds the options of fields to a command.</summary>
    public static IReadOnlyList<FieldOption> AddTo(Command command, Noun noun, App app, bool creates)
    {
        var options = noun.Fields.Where(field => creates || field.Mutable)
            .Select(field => field.Option(noun, app)).ToList();
        foreach (var (field, option, _) in options)
        {
            option.Required = creates && field.Required;
            command.Options.Add(option);
        }
        return options;
    }

    /// <summary>The resource's JSON with every field that the line gives, and those fields' paths.</summary>
    public static async ValueTask<(JsonObject Resource, IReadOnlyList<string> Paths)> ReadAsync(
        Run run, Noun noun, IReadOnlyList<FieldOption> options)
    {
        var resource = new JsonObject();
        var paths = new List<string>();
        foreach (var (field, option, read) in options)
        {
            if (run.Line.GetResult(option) is not { Implicit: false })
                continue;
            await field.WriteAsync(run, noun, read(run.Line), resource);
            paths.Add(field.Path);
        }
        return (resource, paths);
    }
}
