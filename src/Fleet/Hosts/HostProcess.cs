using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Monolith.Fleet.Hosts;

/// <summary>A host of the run's own: an empty data directory, free loopback ports, gone when the run ends.</summary>
internal sealed class HostProcess : IAsyncDisposable
{
    static readonly TimeSpan Look = TimeSpan.FromMilliseconds(10);
    readonly HostShape shape;
    readonly string program;
    readonly string log;
    readonly int plain, tls, dns, metrics;
    Process? process;

    HostProcess(HostShape shape, string program, string directory)
    {
        (this.shape, this.program) = (shape, program);
        Data = Path.Combine(directory, "data");
        log = Path.Combine(directory, "host.log");
        var ports = FreePorts(4);
        (plain, tls, dns, metrics) = (ports[0], ports[1], ports[2], ports[3]);
    }

    /// <summary><c>address:port</c> of the API, HTTP/2 without TLS.</summary>
    public string Endpoint => $"127.0.0.1:{plain}";

    /// <summary><c>address:port</c> where nodes join and agents connect.</summary>
    public string TlsEndpoint => $"127.0.0.1:{tls}";

    public string Metrics => $"127.0.0.1:{metrics}";

    public string Token => File.ReadAllText(Path.Combine(Data, "admin.token")).Trim();

    /// <summary>Null while it is not running.</summary>
    public int? Pid => process?.Id;

    /// <summary>It has ended by itself, or was killed by somebody else.</summary>
    public bool HasExited => process is { HasExited: true };

    public string Data { get; }

    /// <summary>What it said, a file.</summary>
    public string Log => log;

    /// <param name="program">The host's executable, or its assembly.</param>
    /// <param name="directory">For data and log.</param>
    public static async Task<HostProcess> StartAsync(HostShape shape, string program, string directory,
        CancellationToken cancel)
    {
        var host = new HostProcess(shape, program, directory);
        await host.StartAsync(cancel);
        return host;
    }

    /// <summary>Starts it, or starts it again on the same data and ports.</summary>
    /// <returns>From exec to ready.</returns>
    public async Task<TimeSpan> StartAsync(CancellationToken cancel)
    {
        var ready = Path.Combine(Data, "ready");
        if (File.Exists(ready)) File.Delete(ready);
        var began = Stopwatch.GetTimestamp();
        process = Process.Start(StartInfo())!;
        while (!File.Exists(ready))
        {
            if (process.HasExited || Stopwatch.GetElapsedTime(began) > shape.Patience)
                throw new InvalidOperationException(
                    $"The host did not start; its last words:\n{string.Join('\n', File.ReadLines(log).TakeLast(20))}");
            await Task.Delay(Look, cancel);
        }
        return Stopwatch.GetElapsedTime(began);
    }

    ProcessStartInfo StartInfo()
    {
        string[] options =
        [
            "--data", Data, "--plain", Endpoint, "--tls", TlsEndpoint, "--dns", $"127.0.0.1:{dns}", "--metrics", Metrics,
            "--fleet", "0", "--log", "Warning", .. shape.Options,
        ];
        string[] command = program.EndsWith(".dll", StringComparison.Ordinal) ? ["dotnet", program] : [program];
        // The log outlives a run that dies, and no pipe has to be emptied.
        var start = new ProcessStartInfo("/bin/sh");
        foreach (var word in (string[])["-c", "log=$1; shift; exec \"$@\" >>\"$log\" 2>&1", "sh", log, .. command, .. options])
            start.ArgumentList.Add(word);
        foreach (var name in Environment.GetEnvironmentVariables().Keys.Cast<string>()
            .Where(n => n.StartsWith("MONOLITH_", StringComparison.Ordinal)))
            start.Environment.Remove(name);
        return start;
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        // Whoever measures meanwhile finds no process rather than a dead one.
        if (Interlocked.Exchange(ref process, null) is not { } dying) return;
        dying.Kill();
        await dying.WaitForExitAsync();
        dying.Dispose();
    }

    public async ValueTask DisposeAsync() => await KillAsync();

    // Below the kernel's range for outgoing connections (32768 and up), so that none of those takes one meanwhile.
    static List<int> FreePorts(int count)
    {
        var found = new List<int>();
        while (found.Count < count)
        {
            var port = Random.Shared.Next(20_000, 32_000);
            try
            {
                using var tcp = new TcpListener(IPAddress.Loopback, port);
                tcp.Start();
                using var udp = new UdpClient(new IPEndPoint(IPAddress.Loopback, port));
                if (!found.Contains(port)) found.Add(port);
            }
            catch (SocketException)
            {
                // Somebody has it.
            }
        }
        return found;
    }
}
