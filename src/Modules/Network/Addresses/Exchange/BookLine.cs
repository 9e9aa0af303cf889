namespace Monolith.Network.Addresses.Exchange;

/// <summary>What a line of an exchanged address book is about.</summary>
internal enum BookKind
{
    /// <summary>A prefix of a pool.</summary>
    Prefix,
    /// <summary>A range that its pool never gives out.</summary>
    Exclusion,
    /// <summary>A range that is kept for somebody.</summary>
    Reservation,
    /// <summary>An address that somebody holds. One that nobody holds here is kept, for it is held elsewhere.</summary>
    Address,
}

/// <summary>One line, whatever the format; what is empty is not said. Immutable.</summary>
/// <param name="Line">From 1: the CSV's line, or the one that the JSON object begins in.</param>
/// <param name="Value">A CIDR, an address or a range.</param>
internal sealed record BookLine(int Line, BookKind Kind, string Value)
{
    /// <summary>The pool's id; of prefixes and exclusions.</summary>
    public string Pool { get; init; } = "";

    /// <summary>As the CSV writes it: <c>server</c>, <c>load-balancer</c>.</summary>
    public string Purpose { get; init; } = "";

    public string Zone { get; init; } = "";

    /// <summary>The project's id: of a prefix the pool's, else whom it is for.</summary>
    public string Project { get; init; } = "";

    public string Quarantine { get; init; } = "";

    /// <summary>As the CSV writes it: <c>aggregate</c>, <c>host-routes</c>. Empty is the latter.</summary>
    public string Announcement { get; init; } = "";

    /// <summary>The reservation's id.</summary>
    public string Id { get; init; } = "";

    public string Note { get; init; } = "";
}

/// <summary>What is wrong with a line. Immutable.</summary>
internal sealed record BookProblem(int Line, string Message);

/// <summary>What was read of a file.</summary>
internal sealed class BookFile
{
    public const int MaxLines = 200_000;

    public List<BookLine> Lines { get; } = [];

    public List<BookProblem> Problems { get; } = [];

    public void Wrong(int line, string message) => Problems.Add(new(line, message));
}
