using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;

namespace Monolith.Agent.Network.Filter;

/// <summary>
/// What the rule set must be: what is known (planned ports, ensured sets), and of the rest what the kernel has now.
/// <code>
///             ┌───────────── actual ─────────────┐
///   planned   │ planned and   │  only in kernel  │
///   only: add │ there: adjust │  tap lives: keep │
///             │               │  tap gone: drop  │
///             └───────────────┴──────────────────┘
/// </code>
/// The unknown rest is kept because after a restart the agent learns its ports one by one, while guests run.
/// </summary>
internal static class FilterPlan
{
    /// <param name="plans">Every port that this process knows.</param>
    /// <param name="sets">Members of every set that was ensured, by set id.</param>
    /// <param name="removedSets">Sets to be rid of.</param>
    /// <param name="liveTaps">Taps that exist on the machine.</param>
    public static FilterState Target(
        FilterState actual,
        IReadOnlyCollection<PortPlan> plans,
        IReadOnlyDictionary<string, AddressSetPlan> sets,
        IReadOnlySet<string> removedSets,
        IReadOnlySet<string> liveTaps)
    {
        var chains = ImmutableSortedDictionary.CreateBuilder<string, FilterChain>();
        var ports = ImmutableSortedDictionary.CreateBuilder<string, PortFilter>();
        foreach (var plan in plans)
        {
            var port = Port(plan, out var ingress, out var egress);
            ports[plan.TapName] = port;
            chains[ingress.Name] = ingress;
            chains[egress.Name] = egress;
        }

        foreach (var port in actual.Ports.Values.Where(p => liveTaps.Contains(p.Tap) && !ports.ContainsKey(p.Tap)))
        {
            ports[port.Tap] = port;
            foreach (var name in new[] { port.IngressChain, port.EgressChain }.Where(n => !chains.ContainsKey(n)))
            {
                if (actual.Chains.TryGetValue(name, out var chain))
                    chains[name] = chain;
            }
        }

        var target = actual with { Ports = ports.ToImmutable() };
        return target with
        {
            Arp = FilterDelta.Bindings(target, v6: false),
            Chains = chains.ToImmutable(),
            Sets = Sets(actual, plans, sets, removedSets, chains.Values.Any(c => c.Body.Length == 0)),
        };
    }

    public static PortFilter Port(PortPlan plan, out FilterChain ingress, out FilterChain egress)
    {
        var (ingressName, ingressBody) = RuleText.Chain(RuleDirection.Ingress, plan.Rules);
        var (egressName, egressBody) = RuleText.Chain(RuleDirection.Egress, plan.Rules);
        ingress = new FilterChain(ingressName, ingressBody);
        egress = new FilterChain(egressName, egressBody);
        var mac = plan.Mac.ToString();
        return new PortFilter(
            plan.TapName,
            [mac],
            [.. plan.Addresses.Select(a => (mac, a.ToString()))],
            ingressName,
            egressName);
    }

    private static ImmutableSortedDictionary<string, ImmutableSortedSet<string>> Sets(
        FilterState actual,
        IReadOnlyCollection<PortPlan> plans,
        IReadOnlyDictionary<string, AddressSetPlan> sets,
        IReadOnlySet<string> removed,
        bool someChainsAreOpaque)
    {
        var named = plans.SelectMany(p => p.Rules).Select(r => r.RemoteSetId).OfType<string>().ToHashSet();
        var target = actual.Sets.ToBuilder();
        foreach (var id in named.Where(id => !sets.ContainsKey(id) && !removed.Contains(id)))
        {
            foreach (var name in Names(id).Where(n => !target.ContainsKey(n)))
                target[name] = [];
        }

        foreach (var id in removed.Where(id => !sets.ContainsKey(id)))
        {
            foreach (var name in Names(id))
            {
                // The kernel refuses to delete a set that a rule names, and with it the whole transaction.
                if (named.Contains(id) || (someChainsAreOpaque && target.ContainsKey(name)))
                    target[name] = [];
                else
                    target.Remove(name);
            }
        }

        foreach (var set in sets.Values)
        {
            target[RuleText.SetName(set.SetId, AddressFamily.InterNetwork)] = Members(set, AddressFamily.InterNetwork);
            target[RuleText.SetName(set.SetId, AddressFamily.InterNetworkV6)] = Members(
                set, AddressFamily.InterNetworkV6);
        }

        return target.ToImmutable();
    }

    private static string[] Names(string id) =>
        [RuleText.SetName(id, AddressFamily.InterNetwork), RuleText.SetName(id, AddressFamily.InterNetworkV6)];

    private static ImmutableSortedSet<string> Members(AddressSetPlan set, AddressFamily family) =>
        [.. set.Addresses.Where(a => a.AddressFamily == family).Select(a => a.ToString())];
}
