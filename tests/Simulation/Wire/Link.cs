using Grpc.Core;
using Monolith.Platform.Calls;
using Monolith.Simulation.Tests.World;

namespace Monolith.Simulation.Tests.Wire;

/// <summary>How links treat what goes over them. Immutable.</summary>
internal sealed record LinkShape
{
    /// <summary>Of most messages, at most.</summary>
    public TimeSpan Latency { get; init; } = TimeSpan.FromMilliseconds(2);

    /// <summary>Part of the messages that are late, 0 to 1, and by how much at most.</summary>
    public double Late { get; init; } = 0.02;
    public TimeSpan Lateness { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Until an end believes that a silent connection is dead, at most.</summary>
    public TimeSpan Keepalive { get; init; } = TimeSpan.FromSeconds(30);

    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);
}

/// <summary>
/// The way from one client or node to the host. Cut, it swallows nothing: what is sent comes when it is mended, unless
/// an end has given up by then, each by its own clock. Reset, both ends hear of it, one sooner than the other.
/// </summary>
/// <param name="net">What carries messages; it is never killed.</param>
/// <param name="caller">Who calls, as the access interceptor finds it.</param>
internal sealed class Link(Process net, Trace trace, Random dice, LinkShape shape, string name, Caller caller)
{
    readonly List<WireCall> calls = [];
    int cuts;

    public string Name { get; } = name;

    public Caller Caller { get; } = caller;

    public LinkShape Shape { get; set; } = shape;

    public bool IsCut { get; private set; }

    public Trace Trace { get; } = trace;

    public DateTime Now => net.Time.GetUtcNow().UtcDateTime;

    public int Open => calls.Count;

    public TimeSpan Latency() => dice.NextDouble() < Shape.Late
        ? Shape.Lateness * dice.NextDouble()
        : Shape.Latency * dice.NextDouble();

    public void At(DateTime due, Action act)
    {
        if (due <= Now) net.Start(act);
        else _ = net.Time.CreateTimer(_ => act(), null, due - Now, Timeout.InfiniteTimeSpan);
    }

    public void After(TimeSpan wait, Action act) => At(Now + wait, act);

    public void Add(WireCall call)
    {
        calls.Add(call);
        After(Shape.ConnectTimeout, call.GiveUpConnecting);
    }

    public void Remove(WireCall call) => calls.Remove(call);

    public void Cut()
    {
        if (IsCut) return;
        IsCut = true;
        Trace.Say($"cut {Name}");
        var mine = ++cuts;
        foreach (var call in calls.ToList())
        {
            After(Shape.Keepalive * dice.NextDouble(), () => Unless(call, c => c.CallerLoses("keepalive")));
            After(Shape.Keepalive * dice.NextDouble(), () => Unless(call, c => c.HostLoses()));
        }

        void Unless(WireCall call, Action<WireCall> lose)
        {
            if (IsCut && cuts == mine) lose(call);
        }
    }

    public void Mend()
    {
        if (!IsCut) return;
        IsCut = false;
        Trace.Say($"mend {Name}");
        foreach (var call in calls.ToList()) call.Mended();
    }

    /// <summary>Every connection breaks at once.</summary>
    public void Reset()
    {
        Trace.Say($"reset {Name}");
        foreach (var call in calls.ToList())
        {
            After(Shape.Latency * dice.NextDouble(), () => call.CallerLoses("reset"));
            After(Shape.Latency * dice.NextDouble(), call.HostLoses);
        }
    }

    /// <summary>The caller's process is no more.</summary>
    public void CallerDied() => calls.ToList().ForEach(c => c.CallerGone());

    public void HostDied() => calls.ToList().ForEach(c => c.HostGone());
}
