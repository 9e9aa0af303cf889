namespace Monolith.Fleet.Hosts;

/// <summary>The host under test.</summary>
internal interface IHost : IAsyncDisposable
{
    /// <summary><c>address:port</c> of the API.</summary>
    string Endpoint { get; }

    /// <summary>False: HTTP/2 without TLS.</summary>
    bool Tls { get; }

    /// <summary><c>address:port</c> where nodes join and agents connect.</summary>
    string TlsEndpoint { get; }

    string Token { get; }

    /// <summary>Null when it is not a process of this machine.</summary>
    int? Pid { get; }

    /// <summary>Where its databases are; null when that is not known.</summary>
    string? Data { get; }
}
