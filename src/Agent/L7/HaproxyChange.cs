using System.Globalization;

namespace Monolith.Agent.L7;

/// <summary>What HAProxy says when it did what it was told.</summary>
internal enum HaproxyAnswer
{
    /// <summary>Nothing.</summary>
    Silence,

    Registered,
    AddressSet,

    /// <summary>Or that connections are left: then it is told again later.</summary>
    Deleted,
}

internal sealed record HaproxyCommand(string Text, HaproxyAnswer Answer, (string Backend, string Server) Target)
{
    public bool Succeeded(string output) => Answer switch
    {
        HaproxyAnswer.Silence => string.IsNullOrWhiteSpace(output),
        HaproxyAnswer.Registered => output.Contains("registered", StringComparison.OrdinalIgnoreCase),
        HaproxyAnswer.AddressSet => output.Contains("chang", StringComparison.OrdinalIgnoreCase)
            && !output.Contains("error", StringComparison.OrdinalIgnoreCase)
            && !output.Contains("invalid", StringComparison.OrdinalIgnoreCase),
        _ => output.Contains("deleted", StringComparison.OrdinalIgnoreCase),
    };
}

/// <summary>
/// From what HAProxy does to what it shall do. Pure.
/// <code>
///   skeletons differ ──────────────► reload
///   servers differ, not too many ──► commands: add, then change, then remove, so that a pool is never empty between
/// </code>
/// </summary>
internal static class HaproxyChange
{
    /// <summary>More commands than this take longer than a reload.</summary>
    public const int CommandLimit = 200;

    /// <param name="leaving">Servers that were removed and have connections left, as they are: one that comes back meanwhile
    /// is taken back, for HAProxy would not add another of its name.</param>
    /// <returns>Null: only a reload can do it. Empty: nothing to do.</returns>
    public static List<HaproxyCommand>? Commands(
        HaproxyConfig from, HaproxyConfig to, IReadOnlyDictionary<(string, string), HaproxyServer> leaving)
    {
        if (from.Skeleton != to.Skeleton) return null;
        var commands = new List<HaproxyCommand>();
        foreach (var (key, server) in to.Servers)
        {
            if (from.Servers.ContainsKey(key)) continue;
            if (leaving.TryGetValue(key, out var there)) Change(commands, key, there, server);
            else Add(commands, key, server);
        }
        foreach (var (key, server) in to.Servers)
            if (from.Servers.TryGetValue(key, out var before)) Change(commands, key, before, server);
        foreach (var key in from.Servers.Keys)
            if (!to.Servers.ContainsKey(key)) Remove(commands, key);
        return commands.Count <= CommandLimit ? commands : null;
    }

    public static HaproxyCommand Delete((string Backend, string Server) key) =>
        new($"del server {Name(key)}", HaproxyAnswer.Deleted, key);

    private static void Add(List<HaproxyCommand> to, (string, string) key, HaproxyServer server)
    {
        to.Add(new($"add server {Name(key)} {server.Words}", HaproxyAnswer.Registered, key));
        // HAProxy adds a server in maintenance and unchecked.
        if (server.Options.Length > 0) to.Add(new($"enable health {Name(key)}", HaproxyAnswer.Silence, key));
        if (!server.Disabled) to.Add(new($"enable server {Name(key)}", HaproxyAnswer.Silence, key));
    }

    private static void Change(List<HaproxyCommand> to, (string, string) key, HaproxyServer from, HaproxyServer server)
    {
        if (from.Address != server.Address || from.Port != server.Port)
            to.Add(new(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"set server {Name(key)} addr {server.Address.Trim('[', ']')} port {server.Port}"),
                HaproxyAnswer.AddressSet, key));
        if (from.Weight != server.Weight)
            to.Add(new(
                string.Create(CultureInfo.InvariantCulture, $"set server {Name(key)} weight {server.Weight}"),
                HaproxyAnswer.Silence, key));
        if (from.Disabled != server.Disabled)
            to.Add(new(
                $"set server {Name(key)} state {(server.Disabled ? "maint" : "ready")}", HaproxyAnswer.Silence, key));
    }

    private static void Remove(List<HaproxyCommand> to, (string, string) key)
    {
        to.Add(new($"set server {Name(key)} state maint", HaproxyAnswer.Silence, key));
        to.Add(Delete(key));
    }

    private static string Name((string Backend, string Server) key) => $"{key.Backend}/{key.Server}";
}
