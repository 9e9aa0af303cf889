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
        var planned = plans.Select(p => p.TapName).ToHashSet();
        var kept = ports.Values.Where(p => !planned.Contains(p.Tap)).SelectMany(p => p.Sources).Select(s => s.Address).ToHashSet();
        return target with
        {
            Arp = FilterDelta.Bindings(target, v6: false),
            ArpRanges = FilterDelta.Ranges(target, v6: false),
            Limits = [.. ports.Values.SelectMany(p => new[] { p.IngressLimit, p.EgressLimit }).Where(l => l.Length > 0)],
            Nat = NatState.Of(plans).Keeping(actual.Nat, kept),
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
            egressName)
        {
            Ranges = [.. Prefixes.Canonical(plan.AllowedPrefixes).Select(p => (mac, p))],
            IngressLimit = LimitText.Name("to", plan.IngressRate, plan.TapName),
            EgressLimit = LimitText.Name("from", plan.EgressRate, plan.TapName),
        };
    }

    private static ImmutableSortedDictionary<string, ImmutableSortedSet<string>> Sets(
        FilterState actual,
        IReadOnlyCollection<PortPlan> plans,
        IReadOnlyDictionary<string, AddressSetPlan> sets,
        IReadOnlySet<string> removed,
        bool someChainsAreOpaque)
    {
        var named = plans.SelectMany(p => p.Rules).Where(r => r.RemoteSetId is not null)
            .Select(r => (Id: r.RemoteSetId!, r.IsPrefixSet)).Distinct()
            .SelectMany(r => Families.Select(f => (r.Id, Name: RuleText.SetName(r.Id, f, r.IsPrefixSet)))).ToList();
        var names = named.Select(n => n.Name).ToHashSet();
        var target = actual.Sets.ToBuilder();
        foreach (var (id, name) in named.Where(n => !sets.ContainsKey(n.Id) && !removed.Contains(n.Id)))
        {
            if (!target.ContainsKey(name))
                target[name] = [];
        }

        foreach (var name in removed.Where(id => !sets.ContainsKey(id)).SelectMany(RuleText.SetNames))
        {
            // The kernel refuses to delete a set that a rule names, and with it the whole transaction.
            if (names.Contains(name) || (someChainsAreOpaque && target.ContainsKey(name)))
                target[name] = [];
            else
                target.Remove(name);
        }

        foreach (var set in sets.Values)
        {
            foreach (var family in Families)
                target[RuleText.SetName(set.SetId, family, set.Prefixes is not null)] = Members(set, family);
        }

        return target.ToImmutable();
    }

    private static readonly AddressFamily[] Families = [AddressFamily.InterNetwork, AddressFamily.InterNetworkV6];

    private static ImmutableSortedSet<string> Members(AddressSetPlan set, AddressFamily family) => set.Prefixes is { } prefixes
        ? Prefixes.Canonical(prefixes.Where(p => p.BaseAddress.AddressFamily == family))
        : [.. set.Addresses.Where(a => a.AddressFamily == family).Select(a => a.ToString())];
}
