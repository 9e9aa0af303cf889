using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;
using Monolith.Agent.Native.Safe;

namespace Monolith.Agent.L7;

/// <summary>How the HAProxy driver is set up.</summary>
public sealed record HaproxyOptions
{
    /// <summary>Holds configuration, certificates, sockets and log.</summary>
    public required string Directory { get; init; }

    public string Executable { get; init; } = "/usr/sbin/haproxy";
}

/// <summary>
/// Load balancers as one HAProxy for the node.
/// <code>
///   plans ─► rules, VIPs are here? ─► configuration ─► haproxy -c ─┬─ nothing runs ────────► start
///              │ no                                   │ refuses    ├─ same text ───────────► nothing
///              ▼                                      ▼            ├─ only servers differ ─► run-time commands
///     the culprit's last good plan, or none, stands in for it      └─ else, or refused ────► reload
/// </code>
/// One apply at a time. The file "applied" holds the hash of the text in force and is away while a change is under
/// way, so that a new agent knows whether HAProxy does what its file says.
/// </summary>
public sealed partial class HaproxyDriver : ILoadBalancerDriver
{
    private static readonly TimeSpan CheckDeadline = TimeSpan.FromSeconds(20);

    private sealed record Result(long Generation, string Cause);

    private readonly SemaphoreSlim gate = new(1, 1);
    private readonly HaproxyOptions options;
    private readonly HaproxyHost host;
    private readonly HaproxyProcess process;
    private readonly ILogger logger;
    private readonly Dictionary<(string Backend, string Server), HaproxyServer> leaving = [];
    private Dictionary<LoadBalancerId, LoadBalancerPlan> inForce = [];
    private Dictionary<LoadBalancerId, Result> results = [];
    private HaproxyConfig? config;
    private bool halfCommanded;

    private HaproxyDriver(
        HaproxyOptions options, HaproxyHost host, HaproxyProcess process, string version, ILogger logger)
    {
        this.options = options;
        this.host = host;
        this.process = process;
        this.logger = logger;
        Version = version;
    }

    public string Version { get; }

    public bool InForce => inForce.Count == 0 || process.IsRunning;

    public event Action? Ended
    {
        add => process.Ended += value;
        remove => process.Ended -= value;
    }

    internal int? Pid => process.Pid;

    private string ConfigFile => Path.Combine(options.Directory, "haproxy.cfg");

    private string AppliedFile => Path.Combine(options.Directory, "applied");

    /// <summary>Finds HAProxy, and the one that an earlier agent started.</summary>
    public static async Task<HaproxyDriver> OpenAsync(
        HaproxyOptions options, TimeProvider time, ILogger logger, CancellationToken cancellation)
    {
        if (!OperatingSystem.IsLinux()) throw new PlatformNotSupportedException();
        options = options with { Directory = Path.GetFullPath(options.Directory) };
        const UnixFileMode owner = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        Directory.CreateDirectory(options.Directory, owner);
        Directory.CreateDirectory(Path.Combine(options.Directory, HaproxyConfig.CertificateDirectory), owner);
        var version = await VersionAsync(options, cancellation);
        var process = new HaproxyProcess(options.Executable, options.Directory, time);
        process.Adopt();
        HaproxyLog.Opened(logger, version, process.Pid);
        return new HaproxyDriver(options, HostOf(options), process, version, logger);
    }

    public async Task ApplyAsync(IReadOnlyList<LoadBalancerPlan> plans, CancellationToken cancellation)
    {
        await gate.WaitAsync(cancellation);
        try
        {
            var choice = new LoadBalancerChoice(plans, inForce, IsHere);
            // Each round settles one culprit for good, so there are at most as many as plans, twice.
            for (var round = 0; round <= 2 * plans.Count; round++)
            {
                var (config, refusal) = await TryAsync(choice.Accepted, cancellation);
                if (refusal is null) break;
                var (owner, cause) = HaproxyText.Blame(refusal, config);
                if (owner is not { } culprit)
                    throw new LoadBalancerException(
                        LoadBalancerFailure.StartFailed, $"HAProxy cannot be started: {cause}");
                choice.Refuse(culprit, cause);
            }
            inForce = choice.Accepted;
            results = [];
            foreach (var plan in plans)
            {
                results[plan.Id] = new Result(plan.Generation, choice.Causes.GetValueOrDefault(plan.Id, ""));
                if (choice.Causes.TryGetValue(plan.Id, out var cause))
                    HaproxyLog.Refused(logger, plan.Id, plan.Generation, cause);
            }
        }
        catch (IOException e)
        {
            var full = e.Message.Contains("No space left", StringComparison.Ordinal);
            throw new LoadBalancerException(
                full ? LoadBalancerFailure.NoSpace : LoadBalancerFailure.Unresponsive,
                full ? "the load-balancer node's disk is full: free some of it" : e.Message, e);
        }
        finally
        {
            gate.Release();
        }
    }

    public async Task<IReadOnlyList<LoadBalancerObservation>> ObserveAsync(CancellationToken cancellation)
    {
        await gate.WaitAsync(cancellation);
        try
        {
            await DeleteLeavingAsync(cancellation);
            var stats = new Dictionary<(string, string), HaproxyStat>();
            var trouble = "";
            if (inForce.Count > 0)
            {
                try
                {
                    foreach (var stat in HaproxyText.Stats(await process.AskAsync("show stat", cancellation)))
                        stats[(stat.Backend, stat.Server)] = stat;
                }
                catch (IOException e)
                {
                    trouble = process.IsRunning ? e.Message : "HAProxy is not running; it is started again.";
                }
            }
            return [.. results.Select(r => Observe(r.Key, r.Value, trouble, stats))];
        }
        finally
        {
            gate.Release();
        }
    }

    /// <summary>Lets go of HAProxy; it runs on.</summary>
    public ValueTask DisposeAsync()
    {
        process.Dispose();
        gate.Dispose();
        return ValueTask.CompletedTask;
    }

    private LoadBalancerObservation Observe(
        LoadBalancerId id, Result result, string trouble, Dictionary<(string, string), HaproxyStat> stats)
    {
        var members = new List<MemberObservation>();
        var plan = inForce.GetValueOrDefault(id);
        foreach (var (pool, protocol) in plan?.Listeners.Select(l => (l.Pool, l.Protocol)).Distinct() ?? [])
            foreach (var member in plan!.Pools.First(p => p.Id == pool).Members)
            {
                var known = stats.TryGetValue(
                    (HaproxyConfig.BackendName(id, pool, protocol), member.Id.Value), out var stat);
                members.Add(known
                    ? new(pool, member.Id, stat.Health, stat.Check, stat.Sessions, stat.TotalSessions)
                    : new(pool, member.Id, MemberHealth.Unknown, trouble, 0, 0));
            }
        var cause = result.Cause.Length > 0 ? result.Cause : plan is null ? "" : trouble;
        return new LoadBalancerObservation(id, result.Generation, cause.Length == 0, cause, members);
    }

    /// <summary>
    /// A refused bind would make HAProxy pause its listeners for a moment, so we try it ourselves first.
    /// </summary>
    private static bool IsHere(IPAddress address)
    {
        try
        {
            using var socket = new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            socket.Bind(new IPEndPoint(address, 0));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <returns>The configuration, and HAProxy's words when it refused it.</returns>
    private async Task<(HaproxyConfig Config, string? Refusal)> TryAsync(
        Dictionary<LoadBalancerId, LoadBalancerPlan> plans, CancellationToken cancellation)
    {
        var config = HaproxyConfig.Build(plans.Values, host);
        if (plans.Count == 0)
        {
            File.Delete(AppliedFile);
            await process.StopAsync(cancellation);
            this.config = null;
            RemoveCertificates(config);
            return (config, null);
        }
        if (process.IsRunning && IsApplied(config))
        {
            this.config = config;
            return (config, null);
        }
        WriteCertificates(config);
        var refusal = await CheckAsync(config, cancellation) ?? await ChangeAsync(config, cancellation);
        if (refusal is not null) return (config, refusal);
        this.config = config;
        Write(AppliedFile, HashOf(config));
        RemoveCertificates(config);
        return (config, null);
    }

    private async Task<string?> CheckAsync(HaproxyConfig config, CancellationToken cancellation)
    {
        Write(ConfigFile + ".new", config.Text);
        try
        {
            var result = await ProcessCommand.RunAsync(
                options.Executable, ["-c", "-f", "haproxy.cfg.new"], options.Directory, CheckDeadline, cancellation);
            return result.Succeeded ? null : result.Output;
        }
        catch (TimeoutException e)
        {
            throw new LoadBalancerException(LoadBalancerFailure.Unresponsive, e.Message, e);
        }
    }

    private async Task<string?> ChangeAsync(HaproxyConfig config, CancellationToken cancellation)
    {
        File.Delete(AppliedFile);
        var before = File.Exists(ConfigFile) ? await File.ReadAllTextAsync(ConfigFile, cancellation) : null;
        File.Move(ConfigFile + ".new", ConfigFile, overwrite: true);
        string? refusal;
        string how;
        if (!process.IsRunning) (how, refusal) = ("started", await process.StartAsync(cancellation));
        else if (await TryCommandsAsync(config, cancellation)) (how, refusal) = ("changed at run time", null);
        else (how, refusal) = ("reloaded", await process.ReloadAsync(cancellation));
        if (refusal is null)
        {
            if (how != "changed at run time") leaving.Clear();
            HaproxyLog.Applied(logger, how, config.Servers.Count);
        }
        else if (before is not null)
        {
            Write(ConfigFile, before);
            // What runs is what ran: it may be reloaded from this file at any time.
            if (how == "reloaded" && !halfCommanded && this.config?.Text == before)
                Write(AppliedFile, HashOf(this.config));
            else this.config = null;
        }
        return refusal;
    }

    private async Task<bool> TryCommandsAsync(HaproxyConfig config, CancellationToken cancellation)
    {
        halfCommanded = false;
        if (this.config is null || HaproxyChange.Commands(this.config, config, leaving) is not { } commands) return false;
        foreach (var command in commands)
        {
            halfCommanded = true;
            string output;
            try
            {
                output = await process.AskAsync(command.Text, cancellation);
            }
            catch (IOException e)
            {
                output = e.Message;
            }
            if (command.Succeeded(output)) continue;
            // It has connections left; it gets no new ones, and is deleted when they have ended.
            if (command.Answer == HaproxyAnswer.Deleted)
                leaving[command.Target] = this.config.Servers[command.Target] with { Disabled = true };
            else
            {
                var words = output.Trim();
                HaproxyLog.CommandRefused(logger, command.Text, words);
                return false;
            }
        }
        foreach (var back in config.Servers.Keys) leaving.Remove(back);
        return true;
    }

    private async Task DeleteLeavingAsync(CancellationToken cancellation)
    {
        foreach (var target in leaving.Keys.ToList())
        {
            try
            {
                var command = HaproxyChange.Delete(target);
                var output = await process.AskAsync(command.Text, cancellation);
                if (command.Succeeded(output) || output.Contains("No such", StringComparison.Ordinal))
                    leaving.Remove(target);
            }
            catch (IOException)
            {
                return; // Not to be reached now: the next observation tries again.
            }
        }
    }

    private bool IsApplied(HaproxyConfig config) =>
        File.Exists(AppliedFile) && File.ReadAllText(AppliedFile) == HashOf(config);

    private static string HashOf(HaproxyConfig config) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(config.Text)));

    private void WriteCertificates(HaproxyConfig config)
    {
        foreach (var (name, pem) in config.Certificates)
        {
            var path = Path.Combine(options.Directory, HaproxyConfig.CertificateDirectory, name);
            if (!File.Exists(path)) Write(path, pem);
        }
    }

    private void RemoveCertificates(HaproxyConfig config)
    {
        var directory = Path.Combine(options.Directory, HaproxyConfig.CertificateDirectory);
        foreach (var path in Directory.GetFiles(directory))
            if (!config.Certificates.ContainsKey(Path.GetFileName(path))) File.Delete(path);
    }

    /// <summary>Whole or not at all; for the owner only, since keys are among it.</summary>
    private static void Write(string path, string text)
    {
        if (!OperatingSystem.IsLinux()) throw new PlatformNotSupportedException();
        var temporary = path + ".tmp";
        using (var stream = new FileStream(temporary, new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        }))
        {
            stream.Write(Encoding.UTF8.GetBytes(text));
            stream.Flush(flushToDisk: true);
        }
        File.Move(temporary, path, overwrite: true);
    }

    private static HaproxyHost HostOf(HaproxyOptions options)
    {
        if (!ProcessUser.IsRoot) return new HaproxyHost(null, null, null);
        var empty = Directory.CreateDirectory(Path.Combine(options.Directory, "empty")).FullName;
        // A quoted path takes anything but the quote itself and what the shell-like quoting gives a meaning.
        var chroot = empty.AsSpan().ContainsAny("\"\\$\n\r") ? null : empty;
        var user = ProcessUser.First("haproxy", "nobody");
        return new HaproxyHost(
            user?.Name, user?.Name switch { "haproxy" => "haproxy", null => null, _ => "nogroup" }, chroot);
    }

    private static async Task<string> VersionAsync(HaproxyOptions options, CancellationToken cancellation)
    {
        try
        {
            var result = await ProcessCommand.RunAsync(
                options.Executable, ["-v"], options.Directory, CheckDeadline, cancellation);
            return VersionWord().Match(result.Output) is { Success: true } match ? match.Groups[1].Value : "unknown";
        }
        catch (FileNotFoundException e)
        {
            throw new LoadBalancerException(
                LoadBalancerFailure.NotInstalled, $"{options.Executable} is missing: install haproxy", e);
        }
    }

    [GeneratedRegex(@"version (\S+)")]
    private static partial Regex VersionWord();
}
