namespace Monolith.Platform.Calls;

/// <summary>How a call came, for the audit log: one for each call. The first write that is committed for it tells of it.</summary>
/// <param name="peer">The IP address that it came from.</param>
/// <param name="credential"><c>users/{user}/tokens/{token}</c>, or <c>certificates/{serial number}</c>.</param>
public sealed class CallOrigin(string peer, string credential)
{
    volatile bool told;

    public string Peer => peer;

    public string Credential => credential;

    /// <summary>A committed event tells of the call.</summary>
    public bool IsTold => told;

    internal void Told() => told = true;
}
