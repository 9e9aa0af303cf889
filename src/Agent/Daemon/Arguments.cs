namespace Monolith.Agent.Daemon;

/// <summary>A mistake in the command line. The message says which and what is right.</summary>
internal sealed class UsageException(string message) : Exception(message);

/// <summary><c>--name value</c> and <c>--name=value</c>, after a command. Pure.</summary>
internal sealed class Arguments
{
    private readonly Dictionary<string, List<string>> values = new(StringComparer.Ordinal);

    /// <exception cref="UsageException">Something is not an option of this command.</exception>
    public static Arguments Parse(IReadOnlyList<string> arguments, params ReadOnlySpan<string> allowed)
    {
        var parsed = new Arguments();
        for (var i = 0; i < arguments.Count; i++)
        {
            var (name, value) = arguments[i].Split('=', 2) is [var left, var right]
                ? (left, right)
                : (arguments[i], null);
            if (!allowed.Contains(name))
                throw new UsageException(
                    $"'{name}' is not an option here; these are: {string.Join(", ", allowed.ToArray())}");
            value ??= ++i < arguments.Count ? arguments[i] : throw new UsageException($"{name} needs a value");
            if (!parsed.values.TryGetValue(name, out var values)) parsed.values[name] = values = [];
            values.Add(value);
        }

        return parsed;
    }

    public IReadOnlyList<string> All(string name) => this.values.TryGetValue(name, out var values) ? values : [];

    /// <summary>The last one given wins.</summary>
    public string? Find(string name) => this.values.TryGetValue(name, out var values) ? values[^1] : null;

    public string Required(string name) => Find(name) ?? throw new UsageException($"{name} is needed");
}
