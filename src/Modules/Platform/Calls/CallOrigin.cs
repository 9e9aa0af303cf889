namespace Monolith.Platform.Calls;

/// <summary>How a call came, for the audit log: one for each call. The first write that is committed for it tells of it.</summary>
/// <param name="peer">The IP address that it came from.</param>
/// <param name="credential"><c>users/{user}/tokens/{token}</c>, or <c>certificates/{serial number}</c>.</param>
public sealed class CallOrigin(string peer, string credential)
{
    volatile bool told;
    volatile string proved = "";

    public string Peer => peer;

    public string Credential => credential;

    /// <summary>Who it turned out to be by what it asks with, of a sign-in: a user, or somebody whom a provider vouches for. Empty:
    /// who its caller is.</summary>
    public string Proved
    {
        get => proved;
        set => proved = value;
    }

    /// <summary>A committed event tells of the call.</summary>
    public bool IsTold => told;

    internal void Told() => told = true;
}
