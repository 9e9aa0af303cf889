using Monolith.Compute.V1;
using Monolith.Platform.Names;

namespace Monolith.Compute.Placement;

/// <summary>The others of a server's group, and how near it may be to them. Immutable.</summary>
/// <param name="Group">The group's name.</param>
/// <param name="Placements">How many servers were placed in the group until the others were counted: one more by the
/// time of the claim, and they have to be counted again.</param>
/// <param name="Across">Near is to be on hypervisors that have the same value of this label; empty: on the same
/// hypervisor.</param>
/// <param name="Others">How many there are, by the place where they run (<see cref="PlaceOf"/>).</param>
internal sealed record Company(string Group, long Placements, ServerGroup.Types.Policy Policy, string Across,
    IReadOnlyDictionary<string, int> Others)
{
    public bool IsHard => Policy is ServerGroup.Types.Policy.Affinity or ServerGroup.Types.Policy.AntiAffinity;

    bool IsTogether => Policy is ServerGroup.Types.Policy.Affinity or ServerGroup.Types.Policy.SoftAffinity;

    /// <summary>No hypervisor that has yet to join could take the server: it would be away from the others, or have no
    /// place that is known.</summary>
    public bool ClosesToNew => IsHard && (Across.Length > 0 || (IsTogether && Others.Count > 0));

    /// <returns>Empty: in none, for want of the label.</returns>
    public string PlaceOf(Candidate candidate) => PlaceOf(candidate.Id, candidate.Labels);

    public string PlaceOf(string hypervisor, string labels) =>
        Across.Length == 0 ? hypervisor : Labels.Find(labels, Across) ?? "";

    public bool Admits(Candidate candidate) => Admits(candidate.Id, candidate.Labels);

    public bool Admits(string hypervisor, string labels)
    {
        if (!IsHard) return true;
        var place = PlaceOf(hypervisor, labels);
        // Nobody knows what is near a hypervisor that is nowhere.
        if (place.Length == 0) return false;
        return IsTogether ? Others.Count == 0 || Others.ContainsKey(place) : !Others.ContainsKey(place);
    }

    /// <returns>More is better; one server of the group counts for more than all the room in the world.</returns>
    public double Weigh(Candidate candidate)
    {
        var near = Others.GetValueOrDefault(PlaceOf(candidate));
        return IsTogether ? near * 2.0 : near * -2.0;
    }

    /// <summary>With one more.</summary>
    public Company Joined(Candidate candidate)
    {
        var place = PlaceOf(candidate);
        return this with
        {
            Others = new Dictionary<string, int>(Others) { [place] = Others.GetValueOrDefault(place) + 1 },
        };
    }
}
