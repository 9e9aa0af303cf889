namespace Monolith.Compute.Consoles;

/// <summary>Bounds of console sessions. Immutable.</summary>
internal sealed record ConsoleOptions
{
    /// <summary>How long a hypervisor may take from being asked to dialling back.</summary>
    public TimeSpan DialBack { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long an agent that dials back may take to say for which session.</summary>
    public TimeSpan FirstWord { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>A session in which nothing is said either way ends after that.</summary>
    public TimeSpan Idle { get; init; } = TimeSpan.FromHours(4);

    /// <summary>How long an agent may take to end a call whose viewer has left.</summary>
    public TimeSpan Farewell { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a picture may take.</summary>
    public TimeSpan Picture { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Sessions of one vm at a time.</summary>
    public int PerVm { get; init; } = 8;

    /// <summary>Sessions of one hypervisor at a time.</summary>
    public int PerNode { get; init; } = 64;
}
