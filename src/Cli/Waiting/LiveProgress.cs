using System.Globalization;
using Monolith.Cli.Session;
using Spectre.Console;

namespace Monolith.Cli.Waiting;

/// <summary>The steps as a list that is redrawn in place, with a spinner on those under way.</summary>
internal sealed class LiveProgress : Progress
{
    static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100);
    const string Spinner = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏";

    readonly Surroundings around;
    readonly string title;
    readonly long began;
    readonly CancellationTokenSource stop = new();
    readonly Task drawing;
    volatile Frame frame = new("", []);
    bool disposed;

    public LiveProgress(Surroundings around, string title)
    {
        this.around = around;
        this.title = title;
        began = around.Time.GetTimestamp();
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(around.Error),
            Ansi = AnsiSupport.Yes,
            ColorSystem = ColorSystemSupport.Standard,
            Interactive = InteractionSupport.Yes,
        });
        drawing = console.Live(Draw(0)).StartAsync(DrawAsync);
    }

    public override void Show(Frame frame) => this.frame = frame;

    async Task DrawAsync(LiveDisplayContext context)
    {
        for (var tick = 0; !stop.IsCancellationRequested; tick++)
        {
            context.UpdateTarget(Draw(tick));
            context.Refresh();
            await Task.Delay(Tick, around.Time, stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        context.UpdateTarget(Draw(0));
        context.Refresh();
    }

    Rows Draw(int tick)
    {
        var frame = this.frame;
        var elapsed = around.Time.GetElapsedTime(began);
        var width = frame.Steps.Max(step => (int?)step.Name.Length) ?? 0;
        // Only the first step that is not done turns: those behind it wait for it.
        var turning = frame.Steps.FirstOrDefault(step => step is { Done: false, Failed: false });
        return new Rows(frame.Steps
            .Select(step => Line(step, width, tick, ReferenceEquals(step, turning)))
            .Prepend(new Markup(
                $"[bold]{Markup.Escape(title)}[/] {Markup.Escape(frame.State)} [dim]{Seconds(elapsed)}[/]")));
    }

    static Markup Line(Step step, int width, int tick, bool turning)
    {
        var name = Markup.Escape(step.Name.PadRight(width));
        var cause = Markup.Escape(step.Cause);
        return new Markup(step switch
        {
            { Done: true } => $"  [green]✓[/] {name}  [dim]{Seconds(step.Took)}[/]",
            { Failed: true } => $"  [red]✗[/] {name}  [dim]{Seconds(step.Took)}[/]  [red]{cause}[/]",
            _ when turning => $"  [yellow]{Spinner[tick % Spinner.Length]}[/] {name}  {cause}",
            _ => $"  [dim]·[/] [dim]{name}[/]  [dim]{cause}[/]",
        });
    }

    static string Seconds(TimeSpan? span) =>
        span is { } time ? time.TotalSeconds.ToString("0.000' s'", CultureInfo.InvariantCulture).PadLeft(9) : "";

    public override async ValueTask DisposeAsync()
    {
        if (disposed)
            return;
        disposed = true;
        await stop.CancelAsync();
        await drawing;
        stop.Dispose();
    }
}
