using System.CommandLine;
using System.Text.RegularExpressions;
using Monolith.Cli.Nouns;

namespace Monolith.Cli.Output;

/// <summary>The option or argument by which a person set a field of a request.</summary>
internal static partial class FieldNames
{
    /// <param name="path">As a violation has it: <c>server.ready_probe.tcp_port</c>, <c>network.address_pools[0]</c>.</param>
    /// <param name="command">The command that sent the request; null when it is not known.</param>
    /// <returns><c>--ready-port</c>; the path where no option sets it.</returns>
    public static string Of(string path, Command? command)
    {
        if (command?.Parents.OfType<Command>().FirstOrDefault() is not { } parent
            || Catalog.All.FirstOrDefault(noun => noun.Word == parent.Name) is not { } noun)
            return path;
        if (path == noun.Snake + "_id" || path == noun.Snake + ".name" || path == "name")
            return command.Arguments.Count > 0 ? command.Arguments[0].Name : path;
        var plain = Index().Replace(path, "");
        return noun.Fields
            .Where(field => (plain + ".").StartsWith($"{noun.Snake}.{field.Path}.", StringComparison.Ordinal))
            .Select(field => field.Flag)
            .FirstOrDefault(flag => command.Options.Any(option => option.Name == flag)) ?? path;
    }

    [GeneratedRegex(@"\[\d+\]")]
    private static partial Regex Index();
}
