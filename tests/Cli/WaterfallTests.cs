using CsCheck;
using Google.Protobuf.WellKnownTypes;
using Monolith.Cli.Session;
using Monolith.Cli.Waterfalls;
using Monolith.Compute.V1;
using Outcome = Monolith.Compute.V1.ServerEvent.Types.Outcome;

namespace Monolith.Cli.Tests;

public sealed class WaterfallTests
{
    static readonly DateTimeOffset Epoch = DateTimeOffset.UnixEpoch.AddYears(50);

    static readonly Gen<List<(DateTimeOffset Begin, DateTimeOffset End)>> Spans =
        Gen.Select(Gen.Long[0, 10_000_000_000], Gen.Long[-1_000, 10_000_000_000])
            .Select(pair => (Epoch.AddTicks(pair.Item1), Epoch.AddTicks(pair.Item1 + pair.Item2)))
            .List[0, 40];

    [Fact]
    public void Bars_NeverLeaveTheChart_AndKeepTheirOrder() =>
        Gen.Select(Spans, Gen.Int[1, 300]).Sample((spans, width) =>
        {
            var bars = Waterfall.Lay(spans, width);
            Assert.Equal(spans.Count, bars.Count);
            foreach (var bar in bars)
            {
                Assert.InRange(bar.Offset, 0, width - 1);
                Assert.InRange(bar.Length, 1, width - bar.Offset);
            }
            foreach (var (one, i) in spans.Select((span, i) => (span, i)))
                foreach (var (other, j) in spans.Select((span, j) => (span, j)))
                    if (one.Begin <= other.Begin)
                        Assert.True(bars[i].Offset <= bars[j].Offset);
        });

    [Fact]
    public void Lines_FitTheWidth_CausesExcepted() =>
        Gen.Select(Spans.Where(spans => spans.Count > 0), Gen.Int[60, 250]).Sample((spans, width) =>
        {
            var events = spans.Select((span, i) => new ServerEvent
            {
                Operation = i % 7 < 4 ? "create" : "stop",
                Step = $"Step{i}",
                Component = "agent hv1",
                StartTime = Timestamp.FromDateTimeOffset(span.Begin),
                Duration = i % 5 == 0 ? null : Duration.FromTimeSpan(span.End - span.Begin),
                Outcome = i % 5 == 0 ? Outcome.Running : Outcome.Succeeded,
            }).ToList();
            var lines = Waterfall.Lines(events, Epoch.AddHours(1), width, Ink.None).ToList();
            Assert.All(events, step =>
                Assert.Contains(lines, line => line.StartsWith($"  {step.Step} ", StringComparison.Ordinal)));
            foreach (var line in lines.Where(line => line.StartsWith("  ", StringComparison.Ordinal)))
                Assert.True(line.Length <= width, $"{line.Length} > {width}: {line}");
        });

    [Fact]
    public void Lines_OfAFailedStep_CarryItsCause()
    {
        var failed = new ServerEvent
        {
            Operation = "create",
            Step = "Placed",
            Component = "compute",
            StartTime = Timestamp.FromDateTimeOffset(Epoch),
            Duration = Duration.FromTimeSpan(TimeSpan.FromMilliseconds(3)),
            Outcome = Outcome.Failed,
            Reason = "NO_VALID_HYPERVISOR",
            Message = "none has 4 GiB left",
        };
        var lines = Waterfall.Lines([failed], Epoch, 80, Ink.None).ToList();
        Assert.Contains(lines, line =>
            line.Contains("✗ NO_VALID_HYPERVISOR: none has 4 GiB left", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Contains("0.003 s", StringComparison.Ordinal));
    }

    [Fact]
    public void Lines_OfAStepRepeated_AreTwoOperations()
    {
        ServerEvent At(int second) => new()
        {
            Operation = "restart",
            Step = "Running",
            StartTime = Timestamp.FromDateTimeOffset(Epoch.AddSeconds(second)),
            Duration = Duration.FromTimeSpan(TimeSpan.FromSeconds(1)),
        };
        var lines = Waterfall.Lines([At(0), At(3_600)], Epoch, 100, Ink.None);
        Assert.Equal(2, lines.Count(line => line.StartsWith("restart", StringComparison.Ordinal)));
    }
}
