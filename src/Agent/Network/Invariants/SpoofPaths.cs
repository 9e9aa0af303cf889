using Monolith.Agent.Network.Filter;
using Monolith.Agent.Network.Tap;

namespace Monolith.Agent.Network.Invariants;

/// <summary>The rule set and the settings are as the agent made them, and every tap has its own. Pure.</summary>
internal static class SpoofPaths
{
    private const string Mended = "The agent makes the rule set anew; find out who changes it.";

    public static IEnumerable<Breach> Breaches(MachineFacts facts) =>
        Rules(facts).Concat(Bindings(facts)).Concat(Taps(facts)).Concat(MachineSettings(facts)).Concat(TapSettings(facts));

    /// <summary>Tables, chains and sets.</summary>
    private static IEnumerable<Breach> Rules(MachineFacts facts) => facts.Differences
        .Where(d => d.Element.Length == 0 || !IsTap(facts, d.Word))
        .GroupBy(d => (Change: d.Element.Length > 0 ? FilterChange.Altered : d.Change, d.Object))
        .Select(g => g.Key.Change switch
        {
            FilterChange.Missing => Of("FILTER_MISSING", Subject(g.Key.Object), $"The {Words(g.Key.Object)} is gone from the kernel's "
                + $"rule set: what it kept from guests, or of guests, passed. {Mended}"),
            FilterChange.Altered => Of("FILTER_ALTERED", Subject(g.Key.Object), $"The {Words(g.Key.Object)} is not as the agent made "
                + $"it: what it kept from guests, or of guests, may have passed. {Mended}"),
            _ => Of("FOREIGN_FILTER", Subject(g.Key.Object), $"The {Words(g.Key.Object)} is in the agent's tables, and not by the "
                + $"agent: it may let pass what must not, or stop what may. {Mended}"),
        });

    /// <summary>What a tap may send: one breach for each, in however many sets it is.</summary>
    private static IEnumerable<Breach> Bindings(MachineFacts facts) => facts.Differences
        .Where(d => d.Element.Length > 0 && IsTap(facts, d.Word))
        .GroupBy(d => (d.Change, d.Word))
        .Select(g =>
        {
            var sets = string.Join(", ", g.Select(d => Subject(d.Object)).Distinct());
            return g.Key.Change == FilterChange.Missing
                ? Of("BINDING_MISSING", g.Key.Word, $"The rule set says no more what the tap {g.Key.Word} may send or receive ({sets}): "
                    + $"its server lost packets. {Mended}", facts.PortOf(g.Key.Word))
                : Of("FOREIGN_BINDING", g.Key.Word, $"The rule set let the tap {g.Key.Word} send or receive what is not its server's "
                    + $"({sets}): packets with others' addresses passed. {Mended}", facts.PortOf(g.Key.Word));
        });

    private static IEnumerable<Breach> Taps(MachineFacts facts) => facts.Taps
        .Where(t => t.Link.Kind != "tun" || !facts.Filtered.Contains(t.Link.Name))
        .Select(t => Of("UNFILTERED_TAP", t.Link.Name, t.Link.Kind == "tun"
            ? $"The tap {t.Link.Name} has a guest's name and is bound to no address: the agent did not make it. Nothing passes it; "
                + $"find out who made it, or delete it: ip link delete {t.Link.Name}."
            : $"{t.Link.Name} has the name of a guest's tap and is none ({t.Link.Kind}). Delete it: ip link delete {t.Link.Name}.",
            facts.PortOf(t.Link.Name)));

    private static IEnumerable<Breach> MachineSettings(MachineFacts facts) => facts.Settings.Select(s => Of(
        "SETTING_ALTERED", s.Wanted.Path.Replace('/', '.'),
        $"The setting {s.Wanted.Path.Replace('/', '.')} is {s.Actual} and must be {s.Wanted.Value} for guests' packets to be routed "
        + "and filtered. The agent sets it again; find out who changes it, such as a file of /etc/sysctl.d."));

    private static IEnumerable<Breach> TapSettings(MachineFacts facts)
    {
        foreach (var tap in facts.Taps.Where(t => t.Link is { Kind: "tun", Up: true } && facts.Filtered.Contains(t.Link.Name)))
        {
            var wrong = Altered(tap).Select(s => $"{s.Family}/{s.Name} is {tap.Setting(s)} and not {s.Value}").ToList();
            if (wrong.Count > 0)
                yield return Of("SETTING_ALTERED", tap.Link.Name, $"Settings of the tap {tap.Link.Name} are not as the agent made them "
                    + $"({string.Join(", ", wrong)}): the machine answers or forwards for its guest as it must not. The agent sets "
                    + "them again; find out who changes them, such as a file of /etc/sysctl.d.", facts.PortOf(tap.Link.Name));
        }
    }

    /// <summary>Settings of a tap that are not as they must be.</summary>
    public static IEnumerable<TapSetting> Altered(LinkFact tap) =>
        Settings.Tap.Where(s => tap.Setting(s) is { } value && value != s.Value);

    private static bool IsTap(MachineFacts facts, string word) =>
        word.StartsWith(facts.Options.TapPrefix, StringComparison.Ordinal) && PlanRules.IsTap(word, facts.Options);

    /// <summary><c>chain inet spoof</c> is <c>inet.spoof</c> to those who read of it.</summary>
    private static string Subject(string ruleset) => string.Join('.', ruleset.Split(' ')[1..]);

    private static string Words(string ruleset) => ruleset.Split(' ') is [var kind, var family, var name]
        ? $"{kind} {name} of the table {family} monolith"
        : ruleset;

    private static Breach Of(string code, string subject, string message, string port = "") =>
        new(Invariant.NoSpoofablePath, code, subject, message, port);
}
