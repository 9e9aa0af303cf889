using CsCheck;
using Monolith.Fleet.Figures;
using Monolith.Fleet.Reports;
using Monolith.Fleet.Scenarios;
using Monolith.Fleet.Steps;

namespace Monolith.Fleet.Tests;

public sealed class FigureTests
{
    [Fact]
    public void Percentile_IsTheLeastSample_ThatEnoughOfThemDoNotExceed() =>
        Gen.Select(Gen.Int[0, 1000].Array[1, 200], Gen.Int[1, 100]).Sample((values, percent) =>
        {
            var samples = new Samples();
            foreach (var value in values) samples.Add(TimeSpan.FromMilliseconds(value));

            var rank = samples.Distribute().Percentile(percent);

            var enough = percent / 100.0 * values.Length;
            Assert.Contains((int)rank, values);
            Assert.True(values.Count(v => v <= rank) >= enough - 1e-9);
            Assert.True(values.Count(v => v < rank) < enough + 1e-9);
        });

    [Fact]
    public void Percentiles_OfNothing_Are0()
    {
        Assert.Equal(0, new Samples().Distribute().Percentile(99));
        Assert.Equal(0, new Samples().Distribute().Max);
    }

    [Theory]
    [InlineData("a.b <= 2 s", 2000, "ms", true)]
    [InlineData("a.b <= 2 s", 2001, "ms", false)]
    [InlineData("a.b >= 1 GiB", 1024, "MiB", true)]
    [InlineData("a.b >= 1 GiB", 1023, "MiB", false)]
    [InlineData("a.b <= 3", 3, "", true)]
    [InlineData("a.b >= 100 /s", 99.9, "/s", false)]
    [InlineData("a.b<=5%", 4, "%", true)]
    [InlineData("a.b <= 5 ms", 1, "MiB", null)]
    [InlineData("other <= 5 ms", 1, "ms", null)]
    public void Thresholds_HoldOrNot_AndAreNotMetByWhatWasNotMeasured(
        string threshold, double value, string unit, bool? holds) =>
        Assert.Equal(holds, Threshold.Parse(threshold).Holds([new Figure("a.b", value, unit)]));

    [Theory]
    [InlineData("a.b < 2 s")]
    [InlineData("a.b <= two")]
    [InlineData("a.b <= 2 parsecs")]
    [InlineData("<= 2")]
    [InlineData("")]
    public void WhatIsNoThreshold_IsRefused(string text) =>
        Assert.Throws<FormatException>(() => Threshold.Parse(text));

    [Fact]
    public void Ticks_AreRound_AndReachTheMost() => Gen.Double[1e-3, 1e9].Sample(most =>
    {
        var (values, last) = Plot.Ticks(most);

        Assert.Equal(0, values[0]);
        Assert.InRange(most, 0, last * (1 + 1e-6));
        Assert.InRange(values.Count, 3, 8);
    });

    [Fact]
    public void Arrivals_AreInOrder_WithinTheirTime_AndTheSameForTheSameSeed() =>
        Gen.Select(Gen.Double[1, 200], Gen.Double[1, 200], Gen.Int[1, 20], Gen.Int).Sample((rate, to, seconds, seed) =>
        {
            var span = TimeSpan.FromSeconds(seconds);
            var moments = Arrivals.Of(rate, to, span, seed).ToList();

            Assert.Equal(moments.Order(), moments);
            Assert.All(moments, m => Assert.InRange(m, TimeSpan.Zero, span));
            Assert.Equal(moments, Arrivals.Of(rate, to, span, seed));
            // Poisson: the standard deviation is the root of the expected count; eight of them never happen.
            var expected = (rate + to) / 2 * seconds;
            var far = (8 * Math.Sqrt(expected)) + 8;
            Assert.InRange(moments.Count, expected - far, expected + far);
        });

    [Fact]
    public void Arrivals_ThatRise_AreDenserAtTheEnd()
    {
        var moments = Arrivals.Of(0.001, 100, TimeSpan.FromSeconds(100), 1).ToList();

        // Of a line from 0, a quarter of the area lies in the first half.
        Assert.InRange(moments.Count(m => m < TimeSpan.FromSeconds(50)) / (double)moments.Count, 0.22, 0.28);
    }
}
