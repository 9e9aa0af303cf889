using System.Globalization;
using System.Text.Json.Serialization;
using Monolith.Compute.V1;
using Said = Monolith.Agent.V1.ImageStatus.Types.State;
using State = Monolith.Compute.V1.ImagePrewarm.Types.State;

namespace Monolith.Compute.Prewarms;

/// <summary>Which hypervisors are meant. Pure.</summary>
internal static class Selection
{
    /// <param name="wantedZone">Empty: any.</param>
    /// <param name="wantedLabels">As <c>Labels.Store</c> writes them, as <paramref name="labels"/> are.</param>
    public static bool Matches(string wantedZone, string wantedLabels, string zone, string labels) =>
        (wantedZone.Length == 0 || wantedZone == zone)
        && Platform.Names.Labels.Read(wantedLabels).All(l => Platform.Names.Labels.Find(labels, l.Key) == l.Value);
}

/// <summary>A hypervisor that is to hold an image.</summary>
/// <param name="Knows">Its agent fetches images ahead.</param>
internal sealed record Member(string Id, bool Up, bool Knows);

/// <param name="Hypervisor">Its name.</param>
internal sealed record Failure(string Hypervisor, string Reason, string Message);

/// <summary>How far the hypervisors are that are to hold an image. Immutable; kept as JSON.</summary>
/// <param name="Down">Not connected; whatever they hold.</param>
/// <param name="BytesDone">Of those that are connected.</param>
/// <param name="Failures">The first of them, by name.</param>
internal sealed record Tally(int Hypervisors, int Holding, int Fetching, int Waiting, int Failed, int Down, long BytesDone,
    IReadOnlyList<Failure>? Failures)
{
    const int Told = 10;

    public static Tally None { get; } = new(0, 0, 0, 0, 0, 0, 0, []);

    static readonly ImageReportRow Silent = new() { Hypervisor = "", Sha256 = "" };

    /// <param name="members">In the order of their ids.</param>
    /// <param name="reports">What they said of this image, by their ids.</param>
    public static Tally Of(IEnumerable<Member> members, IReadOnlyDictionary<string, ImageReportRow> reports, long size)
    {
        var (all, holding, fetching, waiting, down, bytes) = (0, 0, 0, 0, 0, 0L);
        var failures = new List<Failure>();
        foreach (var member in members)
        {
            all++;
            var said = reports.GetValueOrDefault(member.Id, Silent);
            switch (said.State)
            {
                case var _ when !member.Up:
                    down++;
                    break;
                case var _ when !member.Knows:
                    failures.Add(new("hypervisors/" + member.Id, "AGENT_TOO_OLD",
                        "Its agent does not fetch images ahead: upgrade it."));
                    break;
                case Said.Holding:
                    holding++;
                    bytes += size;
                    break;
                case Said.Fetching:
                    fetching++;
                    bytes += Math.Clamp(said.BytesDone, 0, size);
                    break;
                case Said.Failed:
                    failures.Add(new("hypervisors/" + member.Id, said.Reason, said.Message));
                    break;
                default:
                    waiting++;
                    break;
            }
        }
        return new(all, holding, fetching, waiting, failures.Count, down, bytes, [.. failures.Take(Told)]);
    }

    /// <summary>Nobody is under way any more: those that could have it.</summary>
    [JsonIgnore]
    public State State => Fetching + Waiting > 0 ? State.Warming : Failed > 0 ? State.Failed : State.Warm;

    /// <summary>How far it is, for people.</summary>
    public string Say()
    {
        if (Hypervisors == 0) return "No hypervisor matches.";
        var parts = new[] { (Holding, "hold it"), (Fetching, "fetch it"), (Waiting, "wait"), (Failed, "failed"), (Down, "are down") };
        var text = $"Of {Count(Hypervisors)} hypervisors "
            + string.Join(", ", parts.Where(p => p.Item1 > 0).Select(p => $"{Count(p.Item1)} {p.Item2}")) + ".";
        return Failures is [var first, ..] ? $"{text} {first.Hypervisor}: {first.Message}" : text;
    }

    static string Count(int n) => n.ToString(CultureInfo.InvariantCulture);

    public bool Equals(Tally? other) => other is not null
        && (Hypervisors, Holding, Fetching, Waiting, Failed, Down, BytesDone)
            == (other.Hypervisors, other.Holding, other.Fetching, other.Waiting, other.Failed, other.Down, other.BytesDone)
        && (Failures ?? []).SequenceEqual(other.Failures ?? []);

    public override int GetHashCode() => HashCode.Combine(Hypervisors, Holding, Fetching, Waiting, Failed, Down, BytesDone);
}
