using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.Extensions.Logging;
using Monolith.Agent;
using Monolith.Agent.Emulated;
using Monolith.Agent.Join;

namespace Monolith.Fleet.Nodes;

/// <summary>
/// One emulated machine: its kernel and VMs, which stay; its agent, which comes and goes; its way to the host.
/// </summary>
internal sealed class FleetNode : IAsyncDisposable
{
    readonly TimeProvider time;
    readonly ILoggerFactory loggers;
    readonly FleetShape shape;
    readonly EmulatedNode? hypervisor;
    readonly EmulatedLoadBalancerNode? balancer;
    AgentOptions options;
    readonly bool slow;
    HostChannel? channel;
    string? state;
    CancellationTokenSource? running;
    Task run = Task.CompletedTask;
    volatile bool cut;
    IAgent? agent;
    int connects, boots;

    public FleetNode(FleetShape shape, int index, bool isBalancer, bool slow, TimeProvider time, ILoggerFactory loggers)
    {
        (this.shape, this.slow, this.time, this.loggers) = (shape, slow, time, loggers);
        Name = isBalancer ? $"lb{index + 1:0000}" : $"hv{index + 1:00000}";
        Rack = shape.Rack(index);
        IsBalancer = isBalancer;
        var emulation = shape.Emulation(index, slow);
        if (isBalancer) balancer = new EmulatedLoadBalancerNode(emulation);
        else hypervisor = new EmulatedNode(emulation, time, Ask);
        options = new AgentOptions
        {
            Node = Name,
            Inventory = EmulatedNode.Inventory(shape.Cpus, shape.MemoryMib, shape.DiskGib, shape.Zone(index)),
            BootId = BootOf(boots),
            // Nobody comes: what hypervisors would give each other is counted where it would be read.
            BlobAddress = () => isBalancer ? null : $"198.18.{index / 250 % 250}.{(index % 250) + 1}:49664",
        };
    }

    public string Name { get; }

    public string Rack { get; }

    public bool IsBalancer { get; }

    public bool IsSlow => slow;

    /// <summary>What a hypervisor's kernel would have; null: it is a load-balancer node.</summary>
    public EmulatedDataPlane? DataPlane => hypervisor?.DataPlane;

    /// <summary>Streams that its agent needs: VMs and ports of a hypervisor, balancers of a load balancer node.</summary>
    public int Streams => IsBalancer ? 1 : 2;

    /// <summary>How many times one of its streams has asked for a connection.</summary>
    public int Connects => Volatile.Read(ref connects);

    public bool InSync => agent is { InSync: true };

    /// <param name="state">Where it keeps who it is, since its join.</param>
    public void Start(string state)
    {
        this.state = state;
        Start();
    }

    /// <summary>A new agent over the same machine, as after an upgrade or the return of power.</summary>
    public void Start()
    {
        if (running is not null) return;
        channel ??= new HostChannel(NodeIdentity.Load(Joined()));
        running = new CancellationTokenSource();
        hypervisor?.DataPlane.ForgetPlans();
        agent = hypervisor is not null
            ? new AgentProcess(options, hypervisor.Drivers, Connect, time, loggers)
            : new LoadBalancerAgent(options, balancer!.Drivers, Connect, time, loggers);
        run = RunAsync(agent, new Renewal(channel, Joined(), time, loggers.CreateLogger<Renewal>()), running.Token);
    }

    string Joined() => state ?? throw new InvalidOperationException($"{Name} has not joined.");

    /// <summary>The agent ends; the VMs run on.</summary>
    public async Task StopAsync()
    {
        if (running is null) return;
        await running.CancelAsync();
        await run;
        running.Dispose();
        (running, agent) = (null, null);
    }

    /// <summary>The machine loses power; what is on its disk stays.</summary>
    public async Task LosePowerAsync()
    {
        await StopAsync();
        channel?.Dispose();
        channel = null;
        hypervisor?.Vms.LosePower();
        options = options with { BootId = BootOf(++boots) };
    }

    static string BootOf(int boots) => $"boot{boots + 1}";

    /// <summary>The connection breaks; the agent makes a new one.</summary>
    public void Disconnect()
    {
        channel?.Reconnect();
    }

    /// <summary>No connection until it is mended.</summary>
    public void Cut()
    {
        cut = true;
        Disconnect();
    }

    public void Mend() => cut = false;

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        channel?.Dispose();
    }

    CallInvoker Connect()
    {
        Interlocked.Increment(ref connects);
        return Ask();
    }

    CallInvoker Ask()
    {
        if (cut) throw new RpcException(new Status(StatusCode.Unavailable, "the network is cut (emulated)"));
        return slow && shape.Slow.Delay > TimeSpan.Zero
            ? channel!.Invoker.Intercept(new LateMessages(shape.Slow.Delay, time))
            : channel!.Invoker;
    }

    static async Task RunAsync(IAgent agent, Renewal renewal, CancellationToken stop)
    {
        // The caller starts thousands: each goes its own way at once.
        await Task.Yield();
        try
        {
            await renewal.RunBesideAsync(agent, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
    }
}
