using System.Net;

namespace Monolith.Agent.Routing;

/// <summary>Reads the tables that BIRD prints. Pure; a line that makes no sense is passed over.</summary>
internal static class BirdTables
{
    private const int ProtocolLine = 1002, ProtocolDetail = 1006, BfdLine = 1020, RouteLine = 1007;

    /// <summary>BGP sessions from <c>show protocols all</c>, with BFD from <c>show bfd sessions</c>.</summary>
    public static IReadOnlyList<BgpSession> Sessions(BirdReply protocols, BirdReply bfd)
    {
        var byNeighbor = Bfd(bfd);
        var sessions = new List<BgpSession>();
        var inBgp = false;
        foreach (var line in protocols.Lines)
        {
            if (line.Code == ProtocolLine)
            {
                var session = Session(line.Text);
                inBgp = session is not null;
                if (session is not null)
                    sessions.Add(session);
            }
            else if (line.Code == ProtocolDetail && inBgp)
            {
                sessions[^1] = Detail(sessions[^1], line.Text, byNeighbor);
            }
        }

        return sessions;
    }

    /// <summary>Columns: name, protocol, table, state, since, info; the information is BGP's own state.</summary>
    private static BgpSession? Session(string line)
    {
        var columns = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (columns.Length < 5 || columns[1] != "BGP")
            return null;
        // "since" is one word as a time and two as a date with a time.
        var since = columns[4];
        var rest = columns.AsSpan(5);
        if (rest.Length > 0 && rest[0].Contains(':', StringComparison.Ordinal) && char.IsAsciiDigit(rest[0][0]))
        {
            since += ' ' + rest[0];
            rest = rest[1..];
        }

        return new BgpSession(columns[0], rest.Length > 0 ? rest[0] : columns[3], since, "", BfdState.None, "");
    }

    private static BgpSession Detail(BgpSession session, string text, Dictionary<string, BfdState> bfd)
    {
        if (Value(text, "Neighbor address:") is { } neighbor)
            return session with { Neighbor = neighbor, Bfd = bfd.GetValueOrDefault(neighbor, BfdState.None) };
        return Value(text, "Last error:") is { } error ? session with { LastError = error } : session;
    }

    /// <summary>Whether a reply to <c>show route … export …</c> lists a prefix.</summary>
    public static bool HasRoute(BirdReply reply, string prefix) => reply.Lines.Any(
        l => l.Code == RouteLine && l.Text.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [var first, ..]
            && first == prefix);

    /// <summary>Host routes of a reply to <c>show route …</c>: who told of each, and where it begins.</summary>
    public static IReadOnlyList<OtherOrigin> HostRoutes(BirdReply reply)
    {
        var routes = new List<OtherOrigin>();
        IPAddress? address = null;
        foreach (var line in reply.Lines.Where(l => l.Code == RouteLine))
        {
            // A further route of the same prefix has no prefix in front, and what follows a route has no bracket.
            if (line.Text.Split(' ', 2) is [var first, _] && IPNetwork.TryParse(first, out var prefix))
                address = prefix.PrefixLength == prefix.BaseAddress.GetAddressBytes().Length * 8 ? prefix.BaseAddress : null;
            var brackets = line.Text.Split('[', ']');
            if (address is not null && brackets.Length >= 3)
                routes.Add(new(address, brackets[1].Split(' ')[0], brackets.Length >= 5 ? brackets[^2].TrimEnd('i', 'e', '?') : ""));
        }

        return routes;
    }

    /// <summary>State by neighbour with its interface: <c>fe80::1%up1</c>, as protocols print it.</summary>
    private static Dictionary<string, BfdState> Bfd(BirdReply reply)
    {
        var states = new Dictionary<string, BfdState>();
        foreach (var line in reply.Lines.Where(l => l.Code == BfdLine))
        {
            var columns = line.Text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (columns.Length < 4 || !IPAddress.TryParse(columns[0], out var address))
                continue;
            var state = columns[2] switch
            {
                "Up" => BfdState.Up,
                "Init" => BfdState.Init,
                _ => BfdState.Down,
            };
            states[address.IsIPv6LinkLocal ? $"{columns[0]}%{columns[1]}" : columns[0]] = state;
        }

        return states;
    }

    private static string? Value(string text, string label)
    {
        var trimmed = text.Trim();
        return trimmed.StartsWith(label, StringComparison.Ordinal) ? trimmed[label.Length..].Trim() : null;
    }
}
