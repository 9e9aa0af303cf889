using System.Globalization;
using Monolith.Cli.Nouns;
using Monolith.Cli.Session;

namespace Monolith.Cli.Transfers;

/// <summary>A bar on a terminal; elsewhere one line when a phase is over.</summary>
internal sealed class TransferProgress : IDisposable
{
    static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(100);
    const int BarWidth = 32;

    readonly Surroundings around;
    readonly string title;
    string phase = "";
    long total;
    long sent;
    long began;
    long drawn;

    TransferProgress(Surroundings around, string title)
    {
        this.around = around;
        this.title = title;
    }

    public static TransferProgress Of(Surroundings around, string title) => new(around, title);

    public void Begin(string phase, long total)
    {
        End();
        (this.phase, this.total, sent) = (phase, total, 0);
        began = around.Time.GetTimestamp();
    }

    public void Add(long bytes)
    {
        sent += bytes;
        if (!around.Interactive || (drawn != 0 && around.Time.GetElapsedTime(drawn) < Pace && sent < total))
            return;
        drawn = around.Time.GetTimestamp();
        around.Error.Write($"\r\e[K{Line(title, phase, sent, total, around.Time.GetElapsedTime(began))}");
    }

    /// <summary><c>debian.qcow2  uploading  ━━━━━━━━━─────────  14.2 MiB of 29.0 MiB  310 MiB/s</c></summary>
    public static string Line(string title, string phase, long sent, long total, TimeSpan elapsed)
    {
        var share = total <= 0 ? 1 : Math.Clamp((double)sent / total, 0, 1);
        var full = (int)(share * BarWidth);
        var rate = elapsed.TotalSeconds > 0.05 ? $"  {Column.Size((long)(sent / elapsed.TotalSeconds))}/s" : "";
        return $"{title}  {phase,-11}  {new string('━', full)}{new string('─', BarWidth - full)}  "
            + $"{Column.Size(sent)} of {Column.Size(total)}{rate}";
    }

    void End()
    {
        if (phase.Length == 0)
            return;
        if (around.Interactive)
            around.Error.WriteLine();
        else if (phase != "hashing")
        {
            var took = around.Time.GetElapsedTime(began).TotalSeconds.ToString("0.000", CultureInfo.InvariantCulture);
            around.Error.WriteLine($"{title}  {phase}  {Column.Size(sent)} in {took} s");
        }
        phase = "";
        drawn = 0;
    }

    public void Dispose() => End();
}
