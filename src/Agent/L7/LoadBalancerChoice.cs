using System.Net;

namespace Monolith.Agent.L7;

/// <summary>
/// Which plans a node may try: by the rules, by who else has the VIP, by whether it is on this node. What is refused
/// leaves its last good plan in its place, or none. Pure, but for the question where an address is.
/// </summary>
internal sealed class LoadBalancerChoice
{
    private readonly Dictionary<LoadBalancerId, LoadBalancerPlan> inForce;
    private readonly Func<IPAddress, bool> isHere;

    public LoadBalancerChoice(
        IReadOnlyList<LoadBalancerPlan> plans, Dictionary<LoadBalancerId, LoadBalancerPlan> inForce,
        Func<IPAddress, bool> isHere)
    {
        (this.inForce, this.isHere) = (inForce, isHere);
        var taken = new Dictionary<(IPAddress, int), LoadBalancerId>();
        foreach (var plan in plans)
        {
            var violations = LoadBalancerRules.Violations(plan);
            if (!Accepted.TryAdd(plan.Id, plan)) violations.Add("it is planned twice");
            foreach (var vip in plan.Vips)
            {
                if (!isHere(vip)) violations.Add($"the VIP {vip} is not on this node: add the address first");
                foreach (var listener in plan.Listeners)
                    if (!taken.TryAdd((vip, listener.Port), plan.Id) && taken[(vip, listener.Port)] != plan.Id)
                        violations.Add(
                            $"{vip} port {listener.Port} belongs to load balancer {taken[(vip, listener.Port)]}");
            }
            if (violations.Count > 0) Refuse(plan.Id, string.Join("; ", violations));
        }
    }

    public Dictionary<LoadBalancerId, LoadBalancerPlan> Accepted { get; } = [];

    /// <summary>Of those that were refused.</summary>
    public Dictionary<LoadBalancerId, string> Causes { get; } = [];

    /// <summary>What served well before serves on; what never did is left out. The first cause stays.</summary>
    public void Refuse(LoadBalancerId culprit, string cause)
    {
        Causes.TryAdd(culprit, cause);
        if (inForce.TryGetValue(culprit, out var good) && good.Vips.All(isHere)
            && !ReferenceEquals(good, Accepted.GetValueOrDefault(culprit)))
            Accepted[culprit] = good;
        else Accepted.Remove(culprit);
    }
}
