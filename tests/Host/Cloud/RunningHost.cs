using System.Data.Common;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using Monolith.Host.Access;
using Monolith.Compute.V1;
using Monolith.Identity.V1;
using Npgsql;

namespace Monolith.Host.Tests.Cloud;

/// <summary>
/// The real host in this process: free loopback ports, a data directory of its own, an emulated fleet, and three tenants
/// (<see cref="Tenant"/>) with one resource of each kind. On SQLite; or, when <c>MONOLITH_TEST_POSTGRES</c> holds a
/// connection string to a server on which databases may be made, on one of its own there.
/// </summary>
public sealed class RunningHost : IAsyncLifetime
{
    readonly DirectoryInfo data = Directory.CreateTempSubdirectory("monolith-host-");
    readonly string? postgres = Environment.GetEnvironmentVariable("MONOLITH_TEST_POSTGRES") is { Length: > 0 } server
        ? server
        : null;
    readonly string database = "host_" + Guid.NewGuid().ToString("N");
    WebApplication app = null!;
    GrpcChannel channel = null!;

    /// <summary>Where its plug-ins are.</summary>
    public string? Plugins { get; init; }

    /// <summary>Emulated hypervisors.</summary>
    public int Fleet { get; init; } = 2;

    /// <summary>What one caller may have. By default more refusals than tests of them make.</summary>
    public CallLimits Limits { get; init; } = new() { Refusals = 1_000 };

    public IPEndPoint Plain { get; } = Free();
    public IPEndPoint Tls { get; } = Free();

    public string Data => data.FullName;
    public IServiceProvider Services => app.Services;
    public CallInvoker Invoker => new ApartInvoker(channel.CreateCallInvoker(), Open);
    internal ApiClient Api { get; private set; } = null!;

    /// <summary>The administrator's.</summary>
    public string Token { get; private set; } = "";

    /// <summary>Of a user who may do nothing.</summary>
    public string NobodysToken { get; private set; } = "";

    /// <summary>Of the administrator of the project <c>own</c>, who is nobody elsewhere.</summary>
    public string OwnersToken { get; private set; } = "";

    internal Tenant Own { get; } = new("own");
    internal Tenant Other { get; } = new("other");
    /// <summary>Where things may be broken.</summary>
    internal Tenant Rubbish { get; } = new("rubbish");

    public async ValueTask InitializeAsync()
    {
        app = await MonolithHost.StartAsync(new HostOptions
        {
            Data = data.FullName,
            Plain = [Plain],
            Tls = [Tls],
            Dns = [],
            Fleet = Fleet,
            ImportAllow = [IPNetwork.Parse("127.0.0.1/32")],
            Plugins = Plugins,
            Limits = Limits,
            // The host makes it.
            Postgres = postgres is null
                ? null
                : new NpgsqlConnectionStringBuilder(postgres) { Database = database }.ToString(),
            LogLevel = LogLevel.Warning,
        }, CancellationToken.None);
        channel = Open();
        Api = new ApiClient(Invoker);
        Token = (await File.ReadAllTextAsync(Path.Combine(Data, "admin.token"))).Trim();
        NobodysToken = await UserAsync("nobody");
        await UserAsync("broken");
        await Tenant.PrepareCloudAsync(this);
        await Own.FillAsync(this);
        await Other.FillAsync(this);
        // Of no hypervisor, and the last by name.
        await new ImagePrewarmService.ImagePrewarmServiceClient(Invoker).CreateImagePrewarmAsync(new CreateImagePrewarmRequest
        {
            ImagePrewarmId = "zz-nowhere",
            ImagePrewarm = new() { Image = Own.Name + "/images/r1", AvailabilityZone = "nowhere" },
        }, Headers());
        await Rubbish.FillAsync(this);
        using var speaker = await this.JoinedAsync("speaker", NodeRole.Hypervisor);
        await new Agent.V1.FabricService.FabricServiceClient(speaker).ReportFabricAsync(new()
        {
            Sessions = { new Agent.V1.FabricSession { Name = "tor1", State = "Established" } },
        });
        await new Agent.V1.FabricService.FabricServiceClient(speaker).ReportBreachesAsync(new()
        {
            Breaches = { new Agent.V1.BreachReport { Code = "TAP_STACKED", Subject = "vt1" } },
        });
        OwnersToken = await UserAsync("owner", ("roles/projectAdmin", "projects/own"));
    }

    GrpcChannel Open() =>
        GrpcChannel.ForAddress($"http://{Plain}", new GrpcChannelOptions { MaxReceiveMessageSize = null });

    /// <summary>A channel from another address of the loopback's: what is counted by address is this caller's alone.</summary>
    /// <param name="address"><c>127.0.0.2</c> or one after it, that no other test is at.</param>
    public GrpcChannel From(string address) => GrpcChannel.ForAddress($"http://{Plain}", new GrpcChannelOptions
    {
        DisposeHttpClient = true,
        HttpHandler = new SocketsHttpHandler
        {
            ConnectCallback = async (context, cancel) =>
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                socket.Bind(new IPEndPoint(IPAddress.Parse(address), 0));
                await socket.ConnectAsync(Plain, cancel);
                return new NetworkStream(socket, ownsSocket: true);
            },
        },
    });

    public Metadata Headers(string? token = null) => new() { { "authorization", "Bearer " + (token ?? Token) } };

    /// <summary>A new user's token.</summary>
    /// <param name="bindings">Role, and a project's name or empty for the cloud.</param>
    public async Task<string> UserAsync(string id, params (string Role, string Scope)[] bindings)
    {
        await new UserService.UserServiceClient(channel)
            .CreateUserAsync(new CreateUserRequest { UserId = id }, Headers());
        foreach (var (role, scope) in bindings)
            await new RoleBindingService.RoleBindingServiceClient(channel).CreateRoleBindingAsync(
                new CreateRoleBindingRequest
                {
                    RoleBinding = new() { Member = "users/" + id, Role = role, Scope = scope },
                }, Headers());
        return (await new TokenService.TokenServiceClient(channel)
            .CreateTokenAsync(new CreateTokenRequest { Parent = "users/" + id }, Headers())).Secret;
    }

    public async Task<string> JoinTokenAsync(string node, NodeRole role) =>
        (await new TokenService.TokenServiceClient(channel)
            .CreateJoinTokenAsync(new CreateJoinTokenRequest { NodeId = node, Role = role }, Headers())).Token;

    /// <summary>A channel over TLS that shows a certificate.</summary>
    /// <param name="headers">Of every call, as they are.</param>
    public GrpcChannel Channel(X509Certificate2? certificate, params (string Name, string Value)[] headers) =>
        GrpcChannel.ForAddress($"https://{Tls}", new GrpcChannelOptions
        {
            DisposeHttpClient = true,
            HttpHandler = new WithHeaders(headers, new SocketsHttpHandler
            {
                SslOptions =
                {
                    // Who the host is has tests of the agent's own.
                    RemoteCertificateValidationCallback = (_, _, _, _) => true,
                    LocalCertificateSelectionCallback = (_, _, _, _, _) => certificate!,
                },
            }),
        });

    sealed class WithHeaders((string Name, string Value)[] headers, HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        protected override Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request, CancellationToken cancellationToken)
        {
            foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
            return base.SendAsync(request, cancellationToken);
        }
    }

    /// <summary>To a module's database, whose tables need no schema in front.</summary>
    public async Task<DbConnection> ConnectAsync(string module)
    {
        DbConnection connection = postgres is null
            ? new SqliteConnection($"Data Source={Path.Combine(Data, module + ".db")};Default Timeout=30")
            : new NpgsqlConnection(new NpgsqlConnectionStringBuilder(postgres)
            {
                Database = database,
                SearchPath = module,
            }.ToString());
        await connection.OpenAsync();
        return connection;
    }

    /// <summary>It still answers.</summary>
    public async Task AliveAsync() => Assert.Equal("users/admin", (await new TokenService.TokenServiceClient(channel)
        .GetCallerAsync(new GetCallerRequest(), Headers(), DateTime.UtcNow.AddSeconds(30))).Name);

    /// <summary>Waits until a condition holds that nothing tells of.</summary>
    public static async Task UntilAsync(Func<Task<bool>> holds, string what)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!await holds())
            try
            {
                await tick.WaitForNextTickAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                Assert.Fail($"not within two minutes: {what}");
            }
    }

    static IPEndPoint Free()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return (IPEndPoint)listener.LocalEndpoint;
    }

    public async ValueTask DisposeAsync()
    {
        channel.Dispose();
        await app.StopAsync(new CancellationTokenSource(TimeSpan.FromSeconds(20)).Token);
        await app.DisposeAsync();
        data.Delete(recursive: true);
        if (postgres is not null) await DropAsync(postgres);
    }

    async Task DropAsync(string server)
    {
        await using var connection = new NpgsqlConnection(server);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand($"DROP DATABASE {database} WITH (FORCE)", connection);
        await command.ExecuteNonQueryAsync();
    }
}
