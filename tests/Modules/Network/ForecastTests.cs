using Monolith.Network.AddressPools;

namespace Monolith.Modules.Tests.Network;

public class ForecastTests
{
    static readonly DateTime Now = new(2026, 6, 1, 0, 0, 0, DateTimeKind.Utc);

    [Theory]
    [InlineData(-1, 0, 0, 100, "not enough history")]
    [InlineData(23, 0, 50, 100, "not enough history")]
    [InlineData(24, 50, 50, 100, "0 a day")]
    [InlineData(24, 50, 20, 100, "-30 a day")]
    [InlineData(24, 50, 60, 100, "10 a day, full in 10 days")]
    [InlineData(168, 0, 70, 5, "10 a day, full in 0.5 days")]
    [InlineData(48, 0, 1, 1_000_000, "0.5 a day, not within ten years")]
    [InlineData(48, 0, 1, long.MaxValue, "0.5 a day, not within ten years")]
    [InlineData(1, 0, 256, 0, "full")]
    [InlineData(48, 0, 256, 0, "full")]
    public void Forecast_OfASample(int hoursAgo, long before, long used, long free, string says)
    {
        PoolSample? first = hoursAgo < 0 ? null : new(Now.AddHours(-hoursAgo), before);
        Assert.Equal(says, Say(Forecast.Of(first, Now, used, free)));
    }

    [Fact]
    public void Forecast_OfASampleOfTheFuture_IsNoHistory() => Assert.Equal("not enough history",
        Say(Forecast.Of(new(Now.AddDays(3), 7), Now, 9, 10)));

    static string Say(Forecast forecast) => forecast switch
    {
        Forecast.Full => "full",
        Forecast.NotEnoughHistory => "not enough history",
        Forecast.NotGrowing n => FormattableString.Invariant($"{n.PerDay:0.##} a day"),
        Forecast.Growing { At: null } g => FormattableString.Invariant($"{g.PerDay:0.##} a day, not within ten years"),
        Forecast.Growing g => FormattableString.Invariant($"{g.PerDay:0.##} a day, full in {(g.At!.Value - Now).TotalDays:0.##} days"),
        _ => "?",
    };
}
