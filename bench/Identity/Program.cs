using System.Diagnostics;
using System.Globalization;
using System.Net;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Monolith.Host;
using Monolith.Host.Access;
using Monolith.Identity.Bench;
using Monolith.Identity.Contracts;
using Monolith.Identity.V1;

// A host with as many bindings as are asked for, half of them of one user. Prints tables in Markdown.
var bindings = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 10_000;
var calls = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 20_000;
const int callers = 16, turns = 5;
const string password = "nobody guesses this one";
var data = Directory.CreateTempSubdirectory("identity-bench-");
var plain = new IPEndPoint(IPAddress.Loopback, 0);
using (var probe = new System.Net.Sockets.TcpListener(plain))
{
    probe.Start();
    plain = (IPEndPoint)probe.LocalEndpoint;
}
var app = await MonolithHost.StartAsync(new HostOptions
{
    Data = data.FullName,
    Plain = [plain],
    Tls = [],
    Dns = [],
    Fleet = 0,
    LogLevel = LogLevel.Error,
    Limits = new CallLimits { CallerRate = 1_000_000 },
}, CancellationToken.None);
using var channel = GrpcChannel.ForAddress($"http://{plain}");
var admin = By((await File.ReadAllTextAsync(Path.Combine(data.FullName, "admin.token"))).Trim());
var (projects, users, tokens, roles) = (new ProjectService.ProjectServiceClient(channel), new UserService.UserServiceClient(channel),
    new TokenService.TokenServiceClient(channel), new RoleBindingService.RoleBindingServiceClient(channel));
await EachAsync(bindings / 2, async i => await projects.CreateProjectAsync(new() { ProjectId = $"p{i}" }, admin));
foreach (var user in new[] { "one", "many" }) await users.CreateUserAsync(new() { UserId = user }, admin);
await EachAsync(bindings / 2, async i => await BindAsync("many", $"p{i}"));
await EachAsync(bindings / 2, async i =>
{
    await users.CreateUserAsync(new() { UserId = $"u{i}" }, admin);
    await BindAsync($"u{i}", $"p{i}");
});
await BindAsync("one", "p0");
await users.CreateUserAsync(new() { UserId = "labelled" }, admin);
// One for each caller: many at once of one user are slowed down.
for (var i = 0; i < callers; i++)
{
    await users.CreateUserAsync(new() { UserId = $"signs-in{i}" }, admin);
    await users.SetPasswordAsync(new() { Name = $"users/signs-in{i}", Password = password }, admin);
}
await new ServiceAccountService.ServiceAccountServiceClient(channel).CreateServiceAccountAsync(
    new() { Parent = "projects/p0", ServiceAccountId = "ci", ServiceAccount = new() { Labels = { ["stage"] = "test" } } }, admin);
await roles.CreateRoleBindingAsync(new()
{
    RoleBinding = new() { Role = "roles/projectAdmin", Member = "users/labelled", Scope = "projects/p0", ResourceLabels = { ["stage"] = "test" } },
}, admin);
var secrets = new Dictionary<string, string>();
foreach (var user in new[] { "one", "many", "labelled" })
    secrets[user] = (await tokens.CreateTokenAsync(new() { Parent = "users/" + user }, admin)).Secret;

Console.WriteLine($"{bindings:N0} bindings, {bindings / 2:N0} of them of one user; {callers} callers at once, medians of {turns} turns.");
Console.WriteLine();
Console.WriteLine("| over the wire | a second | p50 | p99 |");
Console.WriteLine("|---|---|---|---|");
await TableAsync("a token is made", Math.Max(200, calls / 20), async _ => await tokens.CreateTokenAsync(new() { Parent = "users/one" }, admin));
var sessions = new SessionService.SessionServiceClient(channel);
await TableAsync("somebody signs in with a password", 40, async i => await sessions.CreateSessionAsync(new() { Parent = $"users/signs-in{i % callers}", Password = password }));
await TableAsync("an access token is issued", calls / 4, async _ => await sessions.IssueAccessTokenAsync(new(), By(secrets["one"])));
var access = (await sessions.IssueAccessTokenAsync(new() { Ttl = new() { Seconds = 3600 } }, By(secrets["one"]))).AccessToken;
// The same call and answer, at a server that asks nobody who they are.
await using var open = await OpenServer.StartAsync();
using var openChannel = GrpcChannel.ForAddress(open.Address);
var (asked, unasked) = (new RoleService.RoleServiceClient(channel), new RoleService.RoleServiceClient(openChannel));
TestPermissionsRequest Ask(int i) => new() { Resource = $"projects/p{i % (bindings / 2)}", Permissions = { "compute.servers.get" } };
var labelled = new TestPermissionsRequest { Resource = "projects/p0/serviceAccounts/ci", Permissions = { "identity.serviceAccounts.get" } };
// In turn, so that a noisy machine is as noisy to each.
(string Name, Func<int, Task> Call)[] ways =
[
    ("a call that nobody needs to be known for", async i => await unasked.TestPermissionsAsync(Ask(i))),
    ("the same, authorised, of one binding", async _ => await asked.TestPermissionsAsync(Ask(0), By(secrets["one"]))),
    ("the same, by an access token", async _ => await asked.TestPermissionsAsync(Ask(0), By(access))),
    ("the same, of one resource by its labels", async _ => await asked.TestPermissionsAsync(labelled, By(secrets["labelled"]))),
    ($"the same, authorised, of {bindings / 2:N0}", async i => await asked.TestPermissionsAsync(Ask(i), By(secrets["many"]))),
];
await TableOfAsync(ways);
Console.WriteLine();
Console.WriteLine("| in the process, one thread | ns |");
Console.WriteLine("|---|---|");
var authentication = app.Services.GetRequiredService<IAuthentication>();
foreach (var user in new[] { "one", "many" })
{
    var caller = authentication.Authenticate(secrets[user])!;
    var of = user == "one" ? "one binding" : $"{bindings / 2:N0}";
    Measure($"a token is believed, of {of}", i => authentication.Authenticate(secrets[user])!.Name.Length);
    Measure($"a permission is there, of {of}", i => caller.May("compute.servers.get", user == "one" ? "p0" : "p77") ? 1 : 0);
    Measure($"a permission is not there, of {of}", i => caller.May("identity.users.create", "p77") ? 1 : 0);
}
Measure("an access token is believed", _ => authentication.Authenticate(access)!.Name.Length, rounds: 2_000);
await app.StopAsync();
await app.DisposeAsync();
data.Delete(recursive: true);

async Task BindAsync(string user, string project) => await roles.CreateRoleBindingAsync(
    new() { RoleBinding = new() { Role = "roles/member", Member = "users/" + user, Scope = "projects/" + project } }, admin);

static Metadata By(string token) => new() { { "authorization", "Bearer " + token } };

static Task EachAsync(int count, Func<int, Task> call) => Parallel.ForEachAsync(Enumerable.Range(0, count),
    new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (i, _) => await call(i));

async Task TableAsync(string name, int count, Func<int, Task> call)
{
    await RunAsync(count / 4, call);
    var (rate, took) = await RunAsync(count, call);
    Write(name, rate, took);
}

async Task TableOfAsync((string Name, Func<int, Task> Call)[] all)
{
    var found = all.ToDictionary(w => w.Name, _ => new List<(double Rate, List<double> Took)>());
    foreach (var way in all) await RunAsync(calls / 4, way.Call);
    for (var turn = 0; turn < turns; turn++)
        foreach (var way in all) found[way.Name].Add(await RunAsync(calls / turns, way.Call));
    foreach (var (name, runs) in found) Write(name, runs.Select(r => r.Rate).Order().ElementAt(turns / 2), [.. runs.SelectMany(r => r.Took)]);
}

static void Write(string name, double rate, List<double> took)
{
    took.Sort();
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"| {name} | {rate:N0} | {took[took.Count / 2]:N0} µs | {took[took.Count * 99 / 100]:N0} µs |"));
}

static async Task<(double Rate, List<double> Took)> RunAsync(int count, Func<int, Task> call)
{
    var left = count;
    var began = Stopwatch.GetTimestamp();
    var times = await Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(async () =>
    {
        var took = new List<double>();
        while (Interlocked.Decrement(ref left) is >= 0 and var i)
        {
            var at = Stopwatch.GetTimestamp();
            await call(i);
            took.Add(Stopwatch.GetElapsedTime(at).TotalMicroseconds);
        }
        return took;
    })));
    return (count / Stopwatch.GetElapsedTime(began).TotalSeconds, [.. times.SelectMany(t => t)]);
}

static void Measure(string name, Func<int, int> work, int rounds = 200_000)
{
    var (sum, best) = (0L, new List<double>());
    for (var turn = 0; turn < 7; turn++)
    {
        var began = Stopwatch.GetTimestamp();
        for (var i = 0; i < rounds; i++) sum += work(i);
        best.Add(Stopwatch.GetElapsedTime(began).TotalNanoseconds / rounds);
    }
    best.Sort();
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | {best[best.Count / 2]:N0} |"));
    GC.KeepAlive(sum);
}
