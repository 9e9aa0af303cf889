namespace Monolith.Fleet.Hosts;

/// <summary>A host that is there already: nothing of it is started, stopped or measured from inside.</summary>
internal sealed record ForeignHost(string Endpoint, bool Tls, string TlsEndpoint, string Token) : IHost
{
    public int? Pid => null;

    public string? Data => null;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
