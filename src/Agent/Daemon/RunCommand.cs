using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Monolith.Agent.Images;
using Monolith.Agent.Images.Peers;
using Monolith.Agent.Join;
using Monolith.Agent.L7;
using Monolith.Agent.Native.Safe;
using Monolith.Agent.Network;
using Monolith.Agent.Network.Invariants;
using Monolith.Agent.Reconcile;
using Monolith.Agent.Routing;
using Monolith.Agent.Vms;

namespace Monolith.Agent.Daemon;

/// <summary>
/// The agent's life: lock, identity, drivers of the role, agent, until SIGTERM or SIGINT.
/// </summary>
internal static class RunCommand
{
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        var options = Arguments.Parse(
            arguments, "--state", "--bird", "--zone", "--accel", "--vm-user", "--cgroup", "--protect", "--log",
            "--migrate-address", "--image-cache", "--peer-port");
        var state = options.Find("--state") ?? Usage.DefaultState;
        var identity = NodeIdentity.Load(state);
        using var held = StateLock.TryTake(state) ?? throw new StateBusyException(state);
        using var loggers = new LineLogs(LevelOf(options.Find("--log")));
        var log = loggers.CreateLogger("Daemon");
        using var telemetry = Telemetry.Start(identity);
        using var stop = new CancellationTokenSource();
        using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            log.Stopping(signal.Signal);
            stop.Cancel();
        }

        log.Starting(AgentOptions.ThisVersion, identity.Node, identity.Role, identity.Host);
        using var channel = new HostChannel(identity);
        var running = new Running(options, state, identity, channel, loggers, stop);
        try
        {
            await (identity.Role == "load-balancer" ? running.LoadBalancerAsync() : running.HypervisorAsync());
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Asked to stop while it was starting.
        }

        log.Stopped();
        return 0;
    }

    public static QemuOptions Qemu(Arguments options, string directory) => new()
    {
        VmsDirectory = directory,
        VmUser = options.Find("--vm-user"),
        CgroupName = options.Find("--cgroup") ?? QemuOptions.DefaultCgroup,
        Accelerator = options.Find("--accel") switch
        {
            null or "auto" => null,
            "tcg" or "kvm" => options.Find("--accel"),
            var other => throw new UsageException($"--accel is auto, tcg or kvm, not '{other}'"),
        },
    };

    private static LogLevel LevelOf(string? word) => word switch
    {
        null or "info" => LogLevel.Information,
        "debug" => LogLevel.Debug,
        "warn" => LogLevel.Warning,
        _ => throw new UsageException($"--log is debug, info or warn, not '{word}'"),
    };

    /// <summary>What both roles have in common while they run.</summary>
    private sealed record Running(
        Arguments Options, string State, NodeIdentity Identity, HostChannel Channel, ILoggerFactory Loggers,
        CancellationTokenSource Stop)
    {
        private static readonly TimeProvider Time = TimeProvider.System;

        public async Task HypervisorAsync()
        {
            var qemu = Qemu(Options, Path.Combine(State, "vms"));
            await using var vms = await QemuDriver.OpenAsync(qemu, Time, Loggers.CreateLogger("Qemu"), Stop.Token);
            var metadata = new MetadataRelay();
            var network = new DataPlaneOptions { ProtectedPrefixes = [.. Options.All("--protect").Select(PrefixOf)] };
            await using var dataPlane = new LinuxDataPlane(network, metadata, Time, Loggers);
            using var routing = Bird();
            var cache = ImageCache.Open(Path.Combine(State, "images"), Loggers.CreateLogger("Images"), CacheLimit());
            await using var peers = PeerPort() is > 0 and var port
                ? PeerServer.Start(
                    cache, () => Channel.Identity, new IPEndPoint(Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any, port), Time,
                    Loggers.CreateLogger("Images"))
                : null;
            var images = new BlobImages(cache, () => Channel.Invoker, Time, () => Channel.Identity);
            string? Listens() => Options.Find("--migrate-address") ?? Machine.AddressTowards(Identity.Host);
            var user = vms.Capabilities.VmUser is { } name ? ProcessUser.First(name) : null;
            var agent = new AgentProcess(
                Base() with
                {
                    Inventory = Machine.Inventory(vms.Capabilities, State, Options.Find("--zone") ?? ""),
                    TapPrefix = network.TapPrefix,
                    TapUid = user?.Uid ?? 0,
                    TapGid = user?.Gid ?? 0,
                    ListenAddress = Listens,
                    BlobAddress = () => peers is not null && IPAddress.TryParse(Listens(), out var at)
                        ? new IPEndPoint(at, peers.Port).ToString()
                        : null,
                },
                new HypervisorDrivers(vms, dataPlane, dataPlane.Probe, new FabricRoutes(routing, Time), images)
                {
                    Metadata = metadata,
                },
                () => Channel.Invoker,
                Time,
                Loggers);
            var invariants = new InvariantWatch(
                dataPlane.LookAsync, routing.ReadPathsAsync, () => Channel.Invoker, Time, Loggers.CreateLogger("Invariants"));
            await RunAsync(agent, routing, invariants.RunAsync);
        }

        public async Task LoadBalancerAsync()
        {
            await using var haproxy = await HaproxyDriver.OpenAsync(
                new HaproxyOptions { Directory = Path.Combine(State, "haproxy") }, Time,
                Loggers.CreateLogger("Haproxy"),
                Stop.Token);
            using var routing = Bird();
            var drivers = new LoadBalancerDrivers(haproxy, routing, new FabricRoutes(routing, Time));
            await RunAsync(new LoadBalancerAgent(Base(), drivers, () => Channel.Invoker, Time, Loggers), routing);
        }

        private int PeerPort() => Options.Find("--peer-port") switch
        {
            null => PeerServer.DefaultPort,
            var text when ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) => port,
            var text => throw new UsageException($"--peer-port takes a port, or 0 for none, not '{text}'"),
        };

        private long? CacheLimit() => Options.Find("--image-cache") switch
        {
            null => null,
            var text when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var gib) => (long)gib << 30,
            var text => throw new UsageException($"--image-cache takes GiB, such as 50, not '{text}'"),
        };

        private BirdRouting Bird() => new(Options.Find("--bird") ?? Usage.DefaultBird, Time);

        private AgentOptions Base() => new()
        {
            Node = Identity.Node, StateDirectory = State, BootId = Machine.BootId,
        };

        private static IPNetwork PrefixOf(string text) => IPNetwork.TryParse(text, out var prefix)
            ? prefix
            : throw new UsageException($"--protect takes a prefix such as 192.0.2.0/24, not '{text}'");

        /// <summary>When the agent ends with a fault, all of it ends: systemd starts it anew.</summary>
        /// <param name="watch">What else runs as long as the agent does.</param>
        private async Task RunAsync(IAgent agent, IRouting routing, Func<CancellationToken, Task>? watch = null)
        {
            var renewal = new Renewal(Channel, State, Time, Loggers.CreateLogger("Certificates")).RunAsync(Stop.Token);
            var fabric = new FabricWatch(routing, () => Channel.Invoker, Time, Loggers.CreateLogger("Fabric")).RunAsync(Stop.Token);
            var watching = watch?.Invoke(Stop.Token) ?? Task.CompletedTask;
            var status = StatusFile.KeepAsync(State, () => Status(agent.Health), Time, Stop.Token);
            try
            {
                await agent.RunAsync(Stop.Token);
            }
            finally
            {
                await Stop.CancelAsync();
                await Task.WhenAll(renewal, fabric, watching, status);
            }
        }

        private StatusFile Status(AgentHealth health) => new(
            Identity.Node, Identity.Role, Identity.Host, AgentOptions.ThisVersion, Environment.ProcessId,
            Time.GetUtcNow(),
            [.. health.Streams.Select(s => new StatusFile.Stream(s.Concern, s.Connected, s.InSync, s.LastFault))],
            health.Items);
    }
}
