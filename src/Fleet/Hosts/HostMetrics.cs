using System.Globalization;

namespace Monolith.Fleet.Hosts;

/// <summary>Counters of the host until now, from its <c>/metrics</c> (Prometheus text format). Immutable.</summary>
/// <param name="RoundTrips">Commands to databases, commits among them.</param>
/// <param name="Transactions">Commits, each with a flush to the disk.</param>
/// <param name="Writes">Changes that those commits held.</param>
internal sealed record HostMetrics(double RoundTrips, double Transactions, double Writes)
{
    static readonly HttpClient Client = new() { Timeout = TimeSpan.FromSeconds(10) };

    /// <returns>Null when the host does not answer, or not in time.</returns>
    public static async Task<HostMetrics?> OfAsync(string endpoint, CancellationToken cancel)
    {
        string text;
        try
        {
            text = await Client.GetStringAsync(new Uri($"http://{endpoint}/metrics"), cancel);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException
            && !cancel.IsCancellationRequested)
        {
            return null;
        }
        return new HostMetrics(
            Sum(text, "db_client_operation_duration_seconds_count"), Sum(text, "monolith_store_commit_duration_seconds_count"),
            Sum(text, "monolith_store_batch_size_sum", "monolith_store_batch_size_write_sum"));
    }

    public HostMetrics Since(HostMetrics before) => new(
        RoundTrips - before.RoundTrips, Transactions - before.Transactions, Writes - before.Writes);

    /// <summary>Over all labels: <c>name{label="x"} value timestamp</c>, the last of them optional.</summary>
    internal static double Sum(string text, params string[] names) => text.Split('\n')
        .Where(line => names.Any(n => line.StartsWith(n, StringComparison.Ordinal) && line.Length > n.Length
            && line[n.Length] is '{' or ' '))
        .Sum(line => double.Parse(Value(line), CultureInfo.InvariantCulture));

    static string Value(string line)
    {
        var labels = line.LastIndexOf('}');
        return line[(labels >= 0 ? labels + 1 : line.IndexOf(' '))..].Trim().Split(' ')[0];
    }
}
