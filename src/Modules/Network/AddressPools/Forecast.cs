using Google.Protobuf.WellKnownTypes;
using Monolith.Network.V1;

namespace Monolith.Network.AddressPools;

/// <summary>How many addresses of a pool were held at a moment.</summary>
internal readonly record struct PoolSample(DateTime At, long Used);

/// <summary>When a pool would be full if it went on as it did. Pure, closed.</summary>
internal abstract record Forecast
{
    /// <summary>What is looked back at.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromDays(7);

    /// <summary>Less tells of an afternoon, not of a pool.</summary>
    public static readonly TimeSpan LeastHistory = TimeSpan.FromDays(1);

    /// <summary>Beyond it a date would be a fable.</summary>
    static readonly TimeSpan Horizon = TimeSpan.FromDays(3650);

    Forecast() { }

    public sealed record Full : Forecast;
    public sealed record NotEnoughHistory(TimeSpan Observed) : Forecast;
    public sealed record NotGrowing(double PerDay, TimeSpan Observed) : Forecast;
    /// <param name="At">Null: not within ten years.</param>
    public sealed record Growing(double PerDay, DateTime? At, TimeSpan Observed) : Forecast;

    /// <param name="first">The first of the window that is known; null: none is.</param>
    public static Forecast Of(PoolSample? first, DateTime now, long used, long free)
    {
        if (free <= 0) return new Full();
        var observed = first is { } known && known.At < now ? now - known.At : TimeSpan.Zero;
        if (first is not { } begin || observed < LeastHistory) return new NotEnoughHistory(observed);
        var perDay = (used - begin.Used) / observed.TotalDays;
        if (perDay <= 0) return new NotGrowing(perDay, observed);
        var days = free / perDay;
        return new Growing(perDay, days > Horizon.TotalDays ? null : now + TimeSpan.FromDays(days), observed);
    }

    public AddressPool.Types.Forecast ToProto() => this switch
    {
        Full => new() { Outlook = AddressPool.Types.Forecast.Types.Outlook.Full },
        NotEnoughHistory n => new()
        {
            Outlook = AddressPool.Types.Forecast.Types.Outlook.NotEnoughHistory,
            Observed = n.Observed.ToDuration(),
        },
        NotGrowing n => new()
        {
            Outlook = AddressPool.Types.Forecast.Types.Outlook.NotGrowing,
            NetPerDay = n.PerDay,
            Observed = n.Observed.ToDuration(),
        },
        Growing g => new()
        {
            Outlook = AddressPool.Types.Forecast.Types.Outlook.Growing,
            NetPerDay = g.PerDay,
            FullTime = g.At?.ToTimestamp(),
            Observed = g.Observed.ToDuration(),
        },
        _ => throw new InvalidOperationException(),
    };
}
