using System.Globalization;
using System.Net;
using System.Text;
using Monolith.Fleet.Figures;

namespace Monolith.Fleet.Reports;

/// <summary>A line over the run's time as SVG; colours come from the page around it.</summary>
/// <param name="Title">What the line is.</param>
/// <param name="Unit">Of the upright axis.</param>
internal sealed record Plot(string Title, string Unit, IReadOnlyList<Point> Points)
{
    const double Width = 760, Height = 260, Left = 64, Right = 12, Top = 52, Bottom = 40;
    const double LabelRow = 14, LetterWidth = 6.2;
    const int LabelRows = 3, LongestLabel = 22;

    static readonly double[] Round = [1, 2, 5, 10];

    // A second apart when they are one line; more, and nothing was measured between.
    static readonly TimeSpan Gap = TimeSpan.FromSeconds(2.5);

    /// <param name="end">Of the run: plots of one run share their time axis.</param>
    public string Svg(IReadOnlyList<(string Step, TimeSpan From)> steps, TimeSpan end)
    {
        var seconds = Math.Max(1, end.TotalSeconds);
        var (ticks, most) = Ticks(Points.Count == 0 ? 1 : Points.Max(p => p.Value));
        var svg = new StringBuilder();
        svg.Append(Inv($"<svg viewBox=\"0 0 {Width} {Height}\" role=\"img\" xmlns=\"http://www.w3.org/2000/svg\">"));
        svg.Append($"<title>{Text($"{Title}, {Unit}")}</title>");
        foreach (var tick in ticks)
        {
            svg.Append(Line("grid", Left, Y(tick), Width - Right, Y(tick)));
            svg.Append(Label("tick end", Left - 6, Y(tick) + 4, Number(tick)));
        }
        foreach (var tick in Ticks(seconds).Values.Where(t => t <= seconds))
        {
            svg.Append(Line("grid", X(tick), Height - Bottom, X(tick), Height - Bottom + 4));
            svg.Append(Label("tick middle", X(tick), Height - Bottom + 17, Number(tick)));
        }
        svg.Append(Label("axis middle", (Left + Width - Right) / 2, Height - 6, "seconds since the run began"));
        var turned = Inv($"translate(14 {(Top + Height - Bottom) / 2}) rotate(-90)");
        svg.Append($"<text class=\"axis middle\" transform=\"{turned}\">{Text(Unit)}</text>");
        Boundaries(svg, steps);
        foreach (var part in Parts())
        {
            var at = part.Select(p => (X: Inv($"{X(p.At.TotalSeconds):0.#}"), Y: Inv($"{Y(p.Value):0.#}"))).ToList();
            svg.Append(at.Count > 1
                ? $"<polyline class=\"line\" points=\"{string.Join(' ', at.Select(a => $"{a.X},{a.Y}"))}\"/>"
                : $"<circle class=\"dot\" cx=\"{at[0].X}\" cy=\"{at[0].Y}\" r=\"2\"/>");
        }
        return svg.Append("</svg>").ToString();

        double X(double at) => Left + (Math.Min(at, seconds) / seconds * (Width - Left - Right));

        double Y(double value) => Height - Bottom - (value / most * (Height - Top - Bottom));

        void Boundaries(StringBuilder to, IReadOnlyList<(string Step, TimeSpan From)> all)
        {
            // Names of short steps would lie over each other: each takes the first row that is free there.
            var free = new double[LabelRows];
            foreach (var (step, from) in all)
            {
                var x = X(from.TotalSeconds);
                to.Append(Line("step", x, Top - 4, x, Height - Bottom));
                var name = step.Length > LongestLabel ? step[..(LongestLabel - 1)] + "…" : step;
                var width = (name.Length + 1) * LetterWidth;
                var at = Math.Min(x + 3, Width - width);
                var row = Array.FindIndex(free, f => f <= at);
                if (row < 0) continue;
                free[row] = at + width;
                to.Append(Label("name", at, Top - 8 - (row * LabelRow), name));
            }
        }
    }

    IEnumerable<IReadOnlyList<Point>> Parts()
    {
        var part = new List<Point>();
        foreach (var point in Points)
        {
            if (part.Count > 0 && point.At - part[^1].At > Gap)
            {
                yield return part;
                part = [];
            }
            part.Add(point);
        }
        if (part.Count > 0) yield return part;
    }

    /// <summary>About five round numbers from 0, of which the last is not less than <paramref name="most"/>.</summary>
    internal static (IReadOnlyList<double> Values, double Most) Ticks(double most)
    {
        if (most is not (> 0 and < double.MaxValue)) most = 1;
        var rough = most / 5;
        var power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        var step = Round.Select(m => m * power).First(s => s >= rough * 0.999);
        var count = (int)Math.Ceiling((most / step) - 1e-9);
        return ([.. Enumerable.Range(0, count + 1).Select(i => i * step)], count * step);
    }

    static string Number(double value) =>
        value.ToString(value >= 1000 ? "#,0" : "0.####", CultureInfo.InvariantCulture);

    static string Line(string kind, double x1, double y1, double x2, double y2) =>
        Inv($"<line class=\"{kind}\" x1=\"{x1:0.#}\" y1=\"{y1:0.#}\" x2=\"{x2:0.#}\" y2=\"{y2:0.#}\"/>");

    static string Label(string kind, double x, double y, string text) =>
        Inv($"<text class=\"{kind}\" x=\"{x:0.#}\" y=\"{y:0.#}\">{Text(text)}</text>");

    static string Text(string text) => WebUtility.HtmlEncode(text);

    static string Inv(FormattableString text) => FormattableString.Invariant(text);
}
