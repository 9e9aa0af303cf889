using System.Globalization;
using System.Net;
using System.Net.Http;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Agent.Emulated;
using Monolith.Agent.L7;
using Monolith.Agent.Ledger;
using Monolith.Agent.Native.Safe;
using Monolith.Agent.Reconcile;
using Monolith.Agent.Sync;
using Monolith.Agent.Tests.Lab;
using Monolith.Agent.Tests.Vms;
using Monolith.Agent.V1;
using State = Monolith.Agent.V1.LoadBalancerStatus.Types.State;

namespace Monolith.Agent.Tests.L7;

/// <summary>Real HAProxy on loopback.</summary>
[Trait("Needs", "root")]
public sealed class HaproxyDriverTests : IAsyncLifetime
{
    private readonly Scratch scratch = new();
    private readonly List<Member> members = [];
    private HaproxyDriver driver = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => driver = await OpenAsync();

    public async ValueTask DisposeAsync()
    {
        await driver.ApplyAsync([], CancellationToken.None);
        Assert.Null(driver.Pid);
        await driver.DisposeAsync();
        foreach (var member in members) member.Dispose();
        scratch.Dispose();
    }

    [Fact]
    public async Task Members_WeightAddRemove_AreChangedWithoutAReload()
    {
        MemberPlan a = Start("a"), b = Start("b"), c = Start("c");
        var port = FreePort();
        var plan = Balancers.Plan("lb", port, a, b);
        await driver.ApplyAsync([plan], Stop);
        Assert.Equal(["a", "b"], await AnswersAsync(port, 20));
        var worker = await WorkerAsync();
        await driver.ApplyAsync([plan.With(a, b with { Weight = 0 })], Stop);
        Assert.Equal(["a"], await AnswersAsync(port, 20));
        await driver.ApplyAsync(
            [plan.With(a with { State = MemberState.Disabled }, b with { State = MemberState.Drain }, c)], Stop);
        Assert.Equal(["c"], await AnswersAsync(port, 20));
        Assert.Equal(
            [MemberHealth.Disabled, MemberHealth.Draining, MemberHealth.Unchecked],
            (await OneAsync()).Members.Select(m => m.Health));
        await driver.ApplyAsync([plan.With(b, c)], Stop);
        Assert.Equal(["b", "c"], await AnswersAsync(port, 20));
        Assert.Equal(["b", "c"], (await OneAsync()).Members.Select(m => m.Member.Value));
        // The member that moved keeps its name.
        await driver.ApplyAsync([plan.With(b with { Port = a.Port }, c)], Stop);
        Assert.Equal(["a", "c"], await AnswersAsync(port, 20));
        Assert.Equal(worker, await WorkerAsync());
    }

    /// <summary>HAProxy deletes no server that has connections, and adds none of a name that is there.</summary>
    [Fact]
    public async Task Member_ThatComesBackBeforeItsLastConnectionEnded_IsTakenBackWithoutAReload()
    {
        using var slow = new TcpListener(IPAddress.Loopback, 0);
        slow.Start();
        MemberPlan a = Balancers.Member("a", ((IPEndPoint)slow.LocalEndpoint).Port), b = Start("b");
        var port = FreePort();
        var plan = Balancers.Plan("lb", port, a);
        await driver.ApplyAsync([plan], Stop);
        var worker = await WorkerAsync();
        using var http = NewClient();
        var first = http.GetStringAsync($"http://127.0.0.1:{port}/", Stop);
        using var firstSocket = await slow.AcceptSocketAsync(Stop);

        await driver.ApplyAsync([plan.With(b)], Stop);
        Assert.Equal(["b"], await AnswersAsync(port, 4));
        await driver.ApplyAsync([plan.With(a with { Weight = 7 }, b with { State = MemberState.Drain })], Stop);

        var second = http.GetStringAsync($"http://127.0.0.1:{port}/", Stop);
        using var secondSocket = await slow.AcceptSocketAsync(Stop);
        foreach (var socket in new[] { firstSocket, secondSocket })
        {
            await socket.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\na"u8.ToArray(), Stop);
            socket.Shutdown(SocketShutdown.Send);
        }
        Assert.Equal(["a", "a"], await Task.WhenAll(first, second));
        Assert.Equal(worker, await WorkerAsync());
        // And it is nobody's to delete any more.
        Assert.Equal(["a", "b"], (await OneAsync()).Members.Select(m => m.Member.Value));
        Assert.True((await OneAsync()).Applied);
    }

    [Fact]
    public async Task Load_DuringChangesAndReloads_LosesNoRequest()
    {
        MemberPlan a = Start("a"), b = Start("b");
        int port = FreePort(), other = FreePort();
        var plan = Balancers.Plan("lb", port, a, b);
        await driver.ApplyAsync([plan], Stop);
        using var enough = new CancellationTokenSource();
        var load = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            var served = 0;
            using var http = NewClient();
            while (!enough.IsCancellationRequested && served < 5000)
            {
                Assert.Contains(await http.GetStringAsync($"http://127.0.0.1:{port}/", Stop), new[] { "a", "b" });
                served++;
            }
            return served;
        })).ToArray();
        var worker = await WorkerAsync();
        for (var i = 1; i <= 10; i++) await driver.ApplyAsync([plan.With(a with { Weight = i }, b)], Stop);
        await driver.ApplyAsync([plan.With(b)], Stop);
        await driver.ApplyAsync([plan.With(a, b)], Stop);
        Assert.Equal(worker, await WorkerAsync());
        for (var i = 0; i < 3; i++)
        {
            await driver.ApplyAsync([plan, Balancers.Plan($"other-{i}", other, a)], Stop);
            Assert.NotEqual(worker, worker = await WorkerAsync());
        }
        await enough.CancelAsync();
        Assert.All(await Task.WhenAll(load), served => Assert.True(served > 0));
    }

    [Fact]
    public async Task Agent_Restarted_AdoptsAndLeavesTheWorkerAlone()
    {
        var a = Start("a");
        var port = FreePort();
        var plan = Balancers.Plan("lb", port, a);
        await driver.ApplyAsync([plan], Stop);
        var (master, worker) = (driver.Pid, await WorkerAsync());
        Assert.NotNull(master);
        await ReopenAsync();
        Assert.Equal(master, driver.Pid);
        await driver.ApplyAsync([plan], Stop);
        Assert.Equal(worker, await WorkerAsync());
        Assert.True((await OneAsync()).Applied);
        await driver.ApplyAsync([plan.With(a with { Weight = 3 })], Stop);
        Assert.Equal(worker, await WorkerAsync());
        Assert.Equal(["a"], await AnswersAsync(port, 3));

        // After a reload, and one more restart, it is still the same master.
        await driver.ApplyAsync([plan, Balancers.Plan("lb2", FreePort(), a)], Stop);
        await ReopenAsync();
        Assert.Equal(master, driver.Pid);
    }

    [Fact]
    public async Task Plan_ThatCannotBeApplied_LeavesItsLastGoodOneAndTheOthers()
    {
        MemberPlan a = Start("a"), b = Start("b");
        int port = FreePort(), next = FreePort();
        LoadBalancerPlan good = Balancers.Plan("good", port, a), turned = Balancers.Plan("turned", next, b);
        await driver.ApplyAsync([good, turned], Stop);
        var worker = await WorkerAsync();
        // Looks like a certificate to the rules, and not to HAProxy.
        const string pem =
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\nAAAA\n";
        var broken = turned with
        {
            Generation = 2,
            Listeners = [turned.Listeners[0] with { CertificatePem = pem }],
        };
        var elsewhere = Balancers.Plan("elsewhere", port, a) with { Vips = [IPAddress.Parse("192.0.2.77")] };
        var thief = Balancers.Plan("thief", port, b);
        await driver.ApplyAsync([good.With(a), broken, elsewhere, thief], Stop);
        var observed = (await driver.ObserveAsync(Stop)).ToDictionary(o => o.Id.Value);
        Assert.True(observed["good"].Applied);
        Assert.Equal((2, false), (observed["turned"].Generation, observed["turned"].Applied));
        Assert.Matches(@"\[haproxy\.cfg\.new:\d+\]", observed["turned"].Cause);
        Assert.Contains("192.0.2.77 is not on this node", observed["elsewhere"].Cause, StringComparison.Ordinal);
        Assert.Contains("belongs to load balancer good", observed["thief"].Cause, StringComparison.Ordinal);
        Assert.Equal(["a"], await AnswersAsync(port, 3));
        Assert.Equal(["b"], await AnswersAsync(next, 3));
        Assert.Equal(worker, await WorkerAsync());
    }

    [Fact]
    public async Task Port_TakenByAStranger_IsReportedAndTheRestServes()
    {
        var a = Start("a");
        var port = FreePort();
        using var stranger = new TcpListener(IPAddress.Loopback, 0);
        stranger.Start();
        var taken = ((IPEndPoint)stranger.LocalEndpoint).Port;
        await driver.ApplyAsync([Balancers.Plan("one", port, a), Balancers.Plan("two", taken, a)], Stop);
        var observed = (await driver.ObserveAsync(Stop)).ToDictionary(o => o.Id.Value);
        Assert.True(observed["one"].Applied);
        Assert.Contains("cannot bind", observed["two"].Cause, StringComparison.Ordinal);
        Assert.Equal(["a"], await AnswersAsync(port, 3));
        // The same against a running one: it serves on.
        await driver.ApplyAsync([Balancers.Plan("one", port, a), Balancers.Plan("three", taken, a)], Stop);
        Assert.Contains(
            "cannot bind", (await driver.ObserveAsync(Stop))
                .Single(o => o.Id.Value == "three").Cause, StringComparison.Ordinal);
        Assert.Equal(["a"], await AnswersAsync(port, 3));
    }

    [Fact]
    public async Task Health_MemberThatRefuses_IsDownWithTheCheckInWords()
    {
        var a = Start("a");
        var plan = Balancers.Plan("lb", FreePort(), a, Balancers.Member("dead", FreePort()));
        plan = plan with { Pools = [plan.Pools[0] with { Check = new HealthCheck("/", Fall: 1) }] };
        await driver.ApplyAsync([plan], Stop);
        MemberObservation? dead = null;
        await Eventually.HoldsAsync(
            async () =>
            {
                dead = (await OneAsync()).Members.Single(m => m.Member.Value == "dead");
                return dead.Health == MemberHealth.Down;
            },
            "the member is down");
        Assert.Contains("L4CON", dead!.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tls_Certificate_IsServedAndKeptPrivate()
    {
        var a = Start("a");
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=vip.test", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(
            DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        var port = FreePort();
        var plan = Balancers.Plan("lb", port, a);
        plan = plan with
        {
            Listeners = [plan.Listeners[0] with
            {
                CertificatePem = certificate.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem() + "\n",
            }],
        };
        await driver.ApplyAsync([plan], Stop);
        string? seen = null;
        using var http = new HttpClient(new SocketsHttpHandler
        {
            SslOptions = { RemoteCertificateValidationCallback = (_, c, _, _) => (seen = c?.Subject) is not null },
        });
        Assert.Equal("a", await http.GetStringAsync($"https://127.0.0.1:{port}/", Stop));
        Assert.Equal("CN=vip.test", seen);
        var file = Assert.Single(Directory.GetFiles(scratch.In("l7", "certs")));
        const UnixFileMode owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        Assert.True(OperatingSystem.IsLinux() && File.GetUnixFileMode(file) == owner);
        await driver.ApplyAsync(
            [plan with { Listeners = [new(port, ListenerProtocol.Http, new PoolId("web"))] }], Stop);
        Assert.Empty(Directory.GetFiles(scratch.In("l7", "certs")));
    }

    [Fact]
    public async Task Haproxy_Killed_IsReportedAndStartedByTheNextApply()
    {
        var a = Start("a");
        var port = FreePort();
        var plan = Balancers.Plan("lb", port, a);
        await driver.ApplyAsync([plan], Stop);
        var ended = new TaskCompletionSource();
        driver.Ended += () => ended.TrySetResult();
        Kill(driver.Pid!.Value);
        await ended.Task.WaitAsync(TimeSpan.FromSeconds(20), Stop);
        Assert.False(driver.InForce);
        Assert.Contains("not running", (await OneAsync()).Cause, StringComparison.Ordinal);
        await driver.ApplyAsync([plan], Stop);
        Assert.True((await OneAsync()).Applied);
        Assert.Equal(["a"], await AnswersAsync(port, 3));
    }

    /// <summary>Nobody touches what is wanted: the reconciler has to see the end by itself.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Haproxy_Killed_IsStartedAgainByTheReconciler(bool onlyTheWorker)
    {
        var a = Start("a");
        var port = FreePort();
        var routing = new EmulatedRouting(1);
        var desired = new DesiredSet(LoadBalancerConcern.Instance, new MemoryLedger());
        var board = new StatusBoard(LoadBalancerConcern.Instance);
        await using var reconciler = new LoadBalancerReconciler(desired, board, new MemoryLedger(), new(
            driver, routing, new EmulatedRoutes(1, _ => true), new VmPolicy(), TimeProvider.System, NullLogger.Instance));
        DesiredChange[] wish =
            [new("lb", new DesiredItem("lb", 1, Balancers.Spec("lb", port, a.Port)), Explicit: true)];
        desired.Apply(wish);
        reconciler.OnChanged(wish);
        // An observation waits for the apply that is under way.
        Task ServesAsync() => Eventually.HoldsAsync(
            async () => await driver.ObserveAsync(Stop) is [{ Applied: true }]
                && board.Find("lb") is LoadBalancerStatus { State: State.Serving },
            "it serves");

        await ServesAsync();
        var master = driver.Pid!.Value;
        var worker = int.Parse((await WorkerAsync())["Pid:".Length..], CultureInfo.InvariantCulture);
        Kill(onlyTheWorker ? worker : master);
        await Eventually.HoldsAsync(() => driver.Pid is { } pid && pid != master, "another HAProxy");
        await ServesAsync();
        Assert.Equal(["a"], await AnswersAsync(port, 3));
        await Eventually.HoldsAsync(() => ProcessIdentity.Of(worker) is null, "the old worker has ended");
    }

    private static void Kill(int pid)
    {
        using var handle = ProcessHandle.Adopt(ProcessIdentity.Of(pid)!.Value)!;
        handle.Kill();
    }

    private async Task<HaproxyDriver> OpenAsync() => await HaproxyDriver.OpenAsync(
        new HaproxyOptions { Directory = scratch.In("l7") }, TimeProvider.System, NullLogger.Instance, Stop);

    private async Task ReopenAsync()
    {
        await driver.DisposeAsync();
        driver = await OpenAsync();
    }

    private async Task<LoadBalancerObservation> OneAsync() => Assert.Single(await driver.ObserveAsync(Stop));

    /// <summary>The worker that serves: its pid, by its own word.</summary>
    private async Task<string> WorkerAsync()
    {
        using var directory = ProcessDirectory.Open(scratch.In("l7"));
        using var socket = await directory.ConnectAsync("stats.sock", Stop);
        await socket.SendAsync(Encoding.ASCII.GetBytes("show info\n"), Stop);
        using var reader = new StreamReader(new NetworkStream(socket));
        return (await reader.ReadToEndAsync(Stop)).Split('\n').Single(
            l => l.StartsWith("Pid:", StringComparison.Ordinal));
    }

    private static async Task<List<string>> AnswersAsync(int port, int requests)
    {
        using var http = NewClient();
        var answers = new SortedSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < requests; i++) answers.Add(await http.GetStringAsync($"http://127.0.0.1:{port}/", Stop));
        return [.. answers];
    }

    /// <summary>A connection for each request.</summary>
    private static HttpClient NewClient() => new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.Zero });

    private MemberPlan Start(string name)
    {
        var member = new Member(name);
        members.Add(member);
        return Balancers.Member(name, member.Port);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>An HTTP server that says its name.</summary>
    private sealed class Member : IDisposable
    {
        private readonly TcpListener listener = new(IPAddress.Loopback, 0);
        private readonly byte[] answer;

        public Member(string name)
        {
            answer = Encoding.ASCII.GetBytes(
                $"HTTP/1.1 200 OK\r\nContent-Length: {name.Length}\r\nConnection: close\r\n\r\n{name}");
            listener.Start();
            _ = ServeAsync();
        }

        public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

        private async Task ServeAsync()
        {
            try
            {
                while (true) _ = AnswerAsync(await listener.AcceptSocketAsync());
            }
            catch (SocketException)
            {
                // Disposed.
            }
        }

        private async Task AnswerAsync(Socket socket)
        {
            using (socket)
            {
                try
                {
                    var buffer = new byte[4096];
                    var request = new StringBuilder();
                    while (!request.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
                    {
                        var read = await socket.ReceiveAsync(buffer);
                        if (read == 0) return;
                        request.Append(Encoding.ASCII.GetString(buffer, 0, read));
                    }
                    await socket.SendAsync(answer);
                    socket.Shutdown(SocketShutdown.Send);
                    while (await socket.ReceiveAsync(buffer) > 0)
                    {
                        // Until the other side has all.
                    }
                }
                catch (SocketException)
                {
                    // A health check that went away.
                }
            }
        }

        public void Dispose() => listener.Dispose();
    }
}
