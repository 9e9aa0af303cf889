using System.Net;

namespace Monolith.Agent.Routing;

/// <summary>What this machine tells the fabric, and whether the fabric hears it.</summary>
public interface IRouting
{
    /// <summary>The machine's BGP sessions.</summary>
    /// <exception cref="IOException">The routing daemon does not answer.</exception>
    Task<IReadOnlyList<BgpSession>> ListSessionsAsync(CancellationToken cancellation);

    /// <summary>Names of the established sessions on which a prefix goes out.</summary>
    Task<IReadOnlyList<string>> ListExportsAsync(IPNetwork prefix, CancellationToken cancellation);

    /// <summary>Takes a virtual address onto the loopback, from where it is announced. May be repeated.</summary>
    Task AnnounceVipAsync(IPAddress address, CancellationToken cancellation);

    /// <summary>Takes it away. May be repeated.</summary>
    Task WithdrawVipAsync(IPAddress address, CancellationToken cancellation);

    /// <summary>Addresses on the loopback; the machine's own ones are among them.</summary>
    Task<IReadOnlyList<IPAddress>> ListLoopbackAsync(CancellationToken cancellation);
}

public enum BfdState
{
    /// <summary>The session runs without BFD, or it has not begun.</summary>
    None,
    Down,
    Init,
    Up,
}

/// <summary>One BGP session.</summary>
/// <param name="Name">The daemon's name for it, such as <c>tor1</c>.</param>
/// <param name="State">BGP's state (RFC 4271 section 8): Idle, Connect, Active, OpenSent, OpenConfirm, Established; or
/// the daemon's word when BGP has none.</param>
/// <param name="Since">When it got there, as the daemon prints it.</param>
/// <param name="Neighbor">Address, with <c>%interface</c> when it is link-local.</param>
/// <param name="LastError">Why it went down the last time; empty when it never did.</param>
public sealed record BgpSession(
    string Name, string State, string Since, string Neighbor, BfdState Bfd, string LastError)
{
    public bool Established => State == "Established";
}
