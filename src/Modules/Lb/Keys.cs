namespace Monolith.Lb;

/// <summary>A load balancer's uid.</summary>
internal readonly record struct LoadBalancerId(Guid Value)
{
    public override string ToString() => Value.ToString();
}

/// <summary>A server's resource name, which members follow.</summary>
internal readonly record struct ServerName(string Value)
{
    public override string ToString() => Value;
}
