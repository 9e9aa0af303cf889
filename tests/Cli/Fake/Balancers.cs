using Grpc.Core;
using Monolith.Lb.V1;

namespace Monolith.Cli.Tests.Fake;

/// <summary>One load balancer, which is changed as it is told.</summary>
internal sealed class Balancers : LoadBalancerService.LoadBalancerServiceBase
{
    public LoadBalancer Kept { get; set; } = new() { Name = "projects/demo/loadBalancers/front", Etag = "1" };

    public override Task<LoadBalancer> GetLoadBalancer(GetLoadBalancerRequest request, ServerCallContext context) =>
        Task.FromResult(Kept.Clone());

    public override Task<LoadBalancer> UpdateLoadBalancer(UpdateLoadBalancerRequest request, ServerCallContext context)
    {
        Kept = request.LoadBalancer.Clone();
        return Task.FromResult(Kept);
    }
}
