using Monolith.Agent.V1;

namespace Monolith.Lb.LoadBalancers;

/// <summary>
/// What a node was told of a load balancer and says of it. Made before the node is told, so that a delete knows whom
/// to wait for; gone when the node says that nothing is left, or is forgotten. May outlive its load balancer.
/// </summary>
internal sealed class StatusRow
{
    public Guid LoadBalancerUid { get; init; }

    public required string Node { get; init; }

    /// <summary>The generation that the node acted on; 0 before its first report.</summary>
    public long Generation { get; set; }

    /// <summary>Empty before the first report.</summary>
    public string ReportDigest { get; set; } = "";

    /// <summary>The node's last <see cref="LoadBalancerStatus"/>.</summary>
    public byte[] Report { get; set; } = [];

    public LoadBalancerStatus Status => LoadBalancerStatus.Parser.ParseFrom(Report);

    public void Take(LoadBalancerStatus status)
    {
        Generation = (long)status.Generation;
        ReportDigest = status.ReportDigest;
        Report = Google.Protobuf.MessageExtensions.ToByteArray(status);
    }

    /// <summary>The node holds nothing, as far as it says.</summary>
    public void Clear() => (Generation, ReportDigest, Report) = (0, "", []);
}
