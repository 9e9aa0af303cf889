using System.Globalization;
using System.Net;
using System.Text;

namespace Monolith.Fleet.Reports;

/// <summary>A place on a chart. Immutable.</summary>
internal readonly record struct Spot(double X, double Y);

/// <summary>A line with its measured points. Immutable.</summary>
internal sealed record ChartLine(string Label, IReadOnlyList<Spot> Spots);

/// <summary>
/// At most <paramref name="Most"/> up to <paramref name="UpTo"/>, from where the goal before it ends.
/// </summary>
internal sealed record ChartGoal(double UpTo, double Most);

/// <summary>
/// A few measured points on two logarithmic axes, as an SVG that needs no other file. Series grow by factors, and so
/// does what they cost: a straight line of slope one is a cost in proportion.
/// </summary>
/// <param name="Note">Where and when it was measured.</param>
/// <param name="Lines">At most three; values more than 0.</param>
/// <param name="Goals">By rising <see cref="ChartGoal.UpTo"/>.</param>
/// <param name="Lost">Points that were not measured, and why.</param>
internal sealed record Chart(string Title, string Note, string XTitle, string YTitle, IReadOnlyList<ChartLine> Lines,
    IReadOnlyList<ChartGoal> Goals, IReadOnlyList<string> Lost)
{
    const double Width = 760, Left = 70, Right = 110, Top = 64, Floor = 364, Foot = 54, LostRow = 16;
    const double Apart = 15;
    const int MostLetters = 110;

    static readonly double[] Steps = [1, 2, 5];
    static readonly string[] Colours = ["#1f6fb2", "#b45309", "#6d4aa8"];

    // Letters have a rim of the ground's colour, and stay readable on a line.
    const string Style = "text{font:12px system-ui,sans-serif;fill:#444;"
        + "paint-order:stroke;stroke:#fff;stroke-width:3px}"
        + ".title{font-size:16px;font-weight:600;fill:#111}"
        + ".middle{text-anchor:middle}.end{text-anchor:end}.grid{stroke:#e2e5e9}.goal{stroke:#1a7f37;stroke-width:1.6;"
        + "stroke-dasharray:6 4;fill:none}.good{fill:#1a7f37}.bad{fill:#c62828}.line{fill:none;stroke-width:2}";

    public string Svg()
    {
        var spots = Lines.SelectMany(l => l.Spots).ToList();
        var xs = spots.Select(s => s.X).Distinct().Order().ToList();
        if (xs.Count == 0) xs.Add(1);
        var height = Floor + Foot + (Lost.Count * LostRow);
        // Half a step beside the outermost points, so that they do not lie on the frame.
        var (xLeast, xMost) = (xs[0] / 1.3, xs[^1] * 1.3);
        var ticks = Ticks([.. spots.Select(s => s.Y), .. Goals.Where(Reaches).Select(g => g.Most)]);
        var svg = new StringBuilder();
        svg.Append(Inv($"<svg viewBox=\"0 0 {Width} {height}\" role=\"img\" xmlns=\"http://www.w3.org/2000/svg\">"));
        svg.Append($"<title>{Text(Title)}</title><style>{Style}</style>");
        svg.Append("<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>");
        svg.Append(Label("title", Left, 24, Title)).Append(Label("", Left, 42, Note));
        foreach (var tick in ticks)
            svg.Append(Line("grid", Left, Y(tick), Width - Right, Y(tick)))
                .Append(Label("end", Left - 8, Y(tick) + 4, Number(tick)));
        foreach (var x in xs)
            svg.Append(Line("grid", X(x), Top, X(x), Floor)).Append(Label("middle", X(x), Floor + 18, Number(x)));
        svg.Append(Label("middle", (Left + Width - Right) / 2, Floor + 38, XTitle));
        var turned = Inv($"translate(18 {(Top + Floor) / 2}) rotate(-90)");
        svg.Append($"<g transform=\"{turned}\">{Label("middle", 0, 0, YTitle)}</g>");
        Goal();
        for (var i = 0; i < Lines.Count; i++) Draw(Lines[i], Colours[i % Colours.Length], above: i == 0);
        Names();
        for (var i = 0; i < Lost.Count; i++)
            svg.Append(Label("bad", Left, Floor + Foot + (i * LostRow), Shortened(Lost[i])));
        return svg.Append("</svg>\n").ToString();

        double X(double x) => Left + (Math.Log(x / xLeast) / Math.Log(xMost / xLeast) * (Width - Left - Right));

        double Y(double y) => Floor - (Math.Log(y / ticks[0]) / Math.Log(ticks[^1] / ticks[0]) * (Floor - Top));

        bool Reaches(ChartGoal goal) => goal == Goals[0] || Goals[Goals.ToList().IndexOf(goal) - 1].UpTo < xMost;

        void Goal()
        {
            var from = xLeast;
            foreach (var goal in Goals.Where(Reaches))
            {
                var to = goal == Goals[^1] ? xMost : Math.Min(goal.UpTo, xMost);
                if (to <= from) continue;
                svg.Append(Line("goal", X(from), Y(goal.Most), X(to), Y(goal.Most)));
                svg.Append(Label("good", X(from) + 4, Y(goal.Most) - 5, $"goal {Number(goal.Most)}"));
                from = to;
            }
        }

        void Draw(ChartLine line, string colour, bool above)
        {
            var at = line.Spots.OrderBy(s => s.X).Select(s => (X: X(s.X), Y: Y(s.Y), Value: s.Y)).ToList();
            var path = string.Join(' ', at.Select(a => Inv($"{a.X:0.#},{a.Y:0.#}")));
            svg.Append($"<polyline class=\"line\" stroke=\"{colour}\" points=\"{path}\"/>");
            foreach (var (x, y, value) in at)
                svg.Append(Inv($"<circle cx=\"{x:0.#}\" cy=\"{y:0.#}\" r=\"3.5\" fill=\"{colour}\"/>"))
                    .Append(Label("middle", x, y + (above ? -9 : 18), Number(value), colour));
        }

        // At the end of each line; lines that end together have their names one below the other.
        void Names()
        {
            var ends = Lines.Select((l, i) => (l.Label, Colour: Colours[i % Colours.Length], l.Spots))
                .Where(l => l.Spots.Count > 0)
                .Select(l => (l.Label, l.Colour, At: Y(l.Spots.MaxBy(s => s.X).Y) + 4)).OrderBy(l => l.At).ToList();
            var least = 0.0;
            foreach (var (label, colour, at) in ends)
            {
                var y = Math.Max(at, least);
                svg.Append(Label("", Width - Right + 8, y, label, colour));
                least = y + Apart;
            }
        }
    }

    /// <summary>
    /// 1, 2 and 5 times powers of ten, from not more than the least to not less than the most of the values.
    /// </summary>
    internal static IReadOnlyList<double> Ticks(IReadOnlyCollection<double> values)
    {
        var real = values.Where(v => v is > 0 and < double.MaxValue).DefaultIfEmpty(1).ToList();
        // Room for what is written above and below points.
        var (least, most) = (real.Min() / 1.15, real.Max() * 1.15);
        var ticks = new List<double>();
        for (var power = (int)Math.Floor(Math.Log10(least)); ; power++)
            foreach (var step in Steps)
            {
                // Divided, not multiplied: a tenth of one is 0.1 and not 0.1000…01.
                var tick = power < 0 ? step / Math.Pow(10, -power) : step * Math.Pow(10, power);
                if (tick <= least) ticks.Clear();
                ticks.Add(tick);
                if (tick >= most && ticks.Count > 1) return ticks;
            }
    }

    static string Shortened(string text) => text.Length > MostLetters ? text[..(MostLetters - 1)] + "…" : text;

    static string Number(double value) => value.ToString(
        value >= 1000 ? "#,0" : value >= 100 ? "0" : value >= 10 ? "0.#" : "0.##", CultureInfo.InvariantCulture);

    static string Line(string kind, double x1, double y1, double x2, double y2) =>
        Inv($"<line class=\"{kind}\" x1=\"{x1:0.#}\" y1=\"{y1:0.#}\" x2=\"{x2:0.#}\" y2=\"{y2:0.#}\"/>");

    static string Label(string kind, double x, double y, string text, string? colour = null) =>
        Inv($"<text class=\"{kind}\" x=\"{x:0.#}\" y=\"{y:0.#}\"")
            + (colour is null ? "" : $" style=\"fill:{colour}\"") + $">{Text(text)}</text>";

    static string Text(string text) => WebUtility.HtmlEncode(text);

    static string Inv(FormattableString text) => FormattableString.Invariant(text);
}
