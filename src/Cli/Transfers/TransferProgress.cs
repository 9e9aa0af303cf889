using System.Globalization;
using Monolith.Cli.Nouns;
using Monolith.Cli.Session;

namespace Monolith.Cli.Transfers;

/// <summary>A bar on a terminal; elsewhere one line when a phase is over.</summary>
internal sealed class TransferProgress : IDisposable
{
    static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(100);
    const int BarWidth = 32;

    readonly Surroundings _around;
    readonly string _title;
    string _phase = "";
    long _total;
    long _sent;
    long _began;
    long _drawn;

    TransferProgress(Surroundings around, string title)
    {
        _around = around;
        _title = title;
    }

    public static TransferProgress Of(Surroundings around, string title) => new(around, title);

    public void Begin(string phase, long total)
    {
        End();
        (_phase, _total, _sent) = (phase, total, 0);
        _began = _around.Time.GetTimestamp();
    }

    public void Add(long bytes)
    {
        _sent += bytes;
        if (!_around.Interactive || (_drawn != 0 && _around.Time.GetElapsedTime(_drawn) < Pace && _sent < _total))
            return;
        _drawn = _around.Time.GetTimestamp();
        _around.Error.Write($"\r\e[K{Line(_title, _phase, _sent, _total, _around.Time.GetElapsedTime(_began))}");
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
        if (_phase.Length == 0)
            return;
        if (_around.Interactive)
            _around.Error.WriteLine();
        else if (_phase != "hashing")
        {
            var took = _around.Time.GetElapsedTime(_began).TotalSeconds.ToString("0.000", CultureInfo.InvariantCulture);
            _around.Error.WriteLine($"{_title}  {_phase}  {Column.Size(_sent)} in {took} s");
        }
        _phase = "";
        _drawn = 0;
    }

    public void Dispose() => End();
}
