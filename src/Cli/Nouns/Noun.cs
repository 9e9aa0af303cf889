using System.CommandLine;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Monolith.Cli.Api;
using Monolith.Cli.Waiting;

namespace Monolith.Cli.Nouns;

/// <summary>
/// A kind of resource, described: everything that create, list, show, update, delete and watch need to know. The
/// service's descriptor says which of those there are; a noun adds a command of its own only for what is special.
/// </summary>
/// <param name="Word">As it is typed: <c>server</c>.</param>
/// <param name="Place">What its resources lie in.</param>
/// <param name="Service">The service that keeps them.</param>
/// <param name="Resource">The message.</param>
internal sealed record Noun(string Word, Place Place, ServiceDescriptor Service, MessageDescriptor Resource)
{
    public required string About { get; init; }

    public IReadOnlyList<string> Aliases { get; init; } = [];

    public required IReadOnlyList<Column> Columns { get; init; }

    /// <summary>What create and update can set.</summary>
    public IReadOnlyList<Field> Fields { get; init; } = [];

    /// <summary>When a wait is over; null for resources that are there as soon as they are made.</summary>
    public Life? Life { get; init; }

    /// <summary>Commands of its own. Called once, when the command tree is built.</summary>
    public Func<Noun, App, IEnumerable<Command>> Extra { get; init; } = (_, _) => [];

    /// <summary>False for ids that the service makes: then create takes no NAME.</summary>
    public bool NamedByCaller => Method("Create")?.InputType.FindFieldByName(Snake + "_id") is not null;

    /// <summary>
    /// The name that a new resource will have, where the caller gives no id but fields that imply it.
    /// </summary>
    public Func<string, IMessage, string>? ImpliedName { get; init; }

    /// <summary>Whether an existing resource is what create would make, where neither id nor name tells.</summary>
    public Func<IMessage, IMessage, bool>? IsSame { get; init; }

    /// <summary>Fields of its lists that `show` leaves to json and yaml.</summary>
    public IReadOnlyList<string> Hidden { get; init; } = [];

    /// <summary>What delete does with `--force`, where it can be forced.</summary>
    public string ForceMeans { get; init; } = "At once and for good, whatever the undelete window.";

    /// <summary>Verbs of the service that this noun has its own command for.</summary>
    public IReadOnlyList<string> Without { get; init; } = [];

    /// <summary><c>security_group</c>: the field that carries the resource in requests.</summary>
    public string Snake => Messages.Snake(Resource.Name);

    /// <summary><c>security group</c>: as it is spoken of.</summary>
    public string Spoken => Snake.Replace('_', ' ');

    /// <summary>Several of them, as it is spoken of: <c>security groups</c>.</summary>
    public string SpokenSeveral => Several(Spoken);

    /// <summary><c>security_groups</c>: the field of lists.</summary>
    public string SnakeSeveral => Several(Snake);

    /// <summary><c>securityGroups</c>: the part of the name before the id.</summary>
    public string Collection => Several(char.ToLowerInvariant(Resource.Name[0]) + Resource.Name[1..]);

    /// <summary>The method of a standard verb, or null when the service has none.</summary>
    public MethodDescriptor? Method(string verb) =>
        Service.FindMethodByName(verb + (verb is "List" or "Watch" ? Several(Resource.Name) : Resource.Name));

    /// <summary>Fabric breaches, floating addresses, certificate authorities.</summary>
    static string Several(string one) =>
        one.EndsWith('s') || one.EndsWith("ch", StringComparison.Ordinal) ? one + "es"
        : one.EndsWith("ty", StringComparison.Ordinal) ? one[..^1] + "ies"
        : one + "s";

    /// <summary>The standard verbs that become commands.</summary>
    public bool Does(string verb) => !Without.Contains(verb) && Method(verb) is not null;
}
