using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Monolith.Identity.Access;
using Monolith.Identity.AccessTokens;
using Monolith.Identity.Authority;
using Monolith.Identity.Contracts;
using Monolith.Identity.Logins;
using Monolith.Identity.Nodes;
using Monolith.Identity.Projects.Purging;
using Monolith.Identity.Providers;
using Monolith.Identity.Secrets;
using Monolith.Identity.Sessions;
using Monolith.Platform.Calls;
using Monolith.Platform.Quotas;
using Monolith.Platform.Secrets;
using Monolith.Platform.Storage;

namespace Monolith.Identity;

/// <summary>Immutable.</summary>
/// <param name="DataDirectory">Where <c>ca.pem</c> and <c>admin.token</c> are kept, and <c>kek</c> where no
/// key-encryption key is given; made when missing.</param>
public sealed record IdentityOptions(string DataDirectory)
{
    /// <summary>What the keys are sealed with that secrets are sealed with. Default: the one of the data directory.</summary>
    public GivenKey? KeyEncryptionKey { get; init; }

    /// <summary>How long a project that is deleted with all that it owns can be had back, unless its deletion says.</summary>
    public TimeSpan PurgeWait { get; init; } = TimeSpan.FromHours(72);

    /// <summary>What they were sealed with before.</summary>
    public GivenKey? KeyEncryptionKeyBefore { get; init; }

    /// <summary>The <c>iss</c> of access tokens: a URL below which others find the keys. Hosts of one cloud say the same.</summary>
    public string Issuer { get; init; } = "https://localhost";
}

/// <summary>A key as it was given.</summary>
/// <param name="Text">64 hexadecimal digits.</param>
/// <param name="From">Where it is, for people.</param>
public sealed record GivenKey(string Text, string From)
{
    public override string ToString() => From;
}

/// <summary>Who may do what, where: projects, users, tokens, bindings, and the machines of the fleet.</summary>
public static class IdentityModule
{
    /// <summary>First of the modules: its start-up makes what the others' callers are known by.</summary>
    public static IServiceCollection AddIdentity(this IServiceCollection services, IdentityOptions options)
    {
        services.AddModuleStore<IdentityDb>("identity", o => new SqliteIdentityDb(o), o => new PostgresIdentityDb(o),
            ownsProjects: true);
        services.AddSingleton(options);
        services.AddSingleton<DataKeys>();
        services.AddSingleton<ISecrets>(s => s.GetRequiredService<DataKeys>());
        services.AddSingleton<FirstAuthorities>();
        services.AddSingleton<Authorities>();
        services.AddSingleton<AuthorityFile>();
        services.AddSingleton<IHostedService>(s => s.GetRequiredService<AuthorityFile>());
        services.AddSingleton<NodeAuthority>();
        services.AddSingleton<IHostCertificates>(s => s.GetRequiredService<NodeAuthority>());
        services.AddSingleton<NodeCertificates>();
        services.AddSingleton<ILoginAuthority, LoginAuthority>();
        services.AddSingleton<Registry>();
        services.AddSingleton<IHolders, Holders>();
        services.AddSingleton<IProjects>(s => s.GetRequiredService<Registry>());
        services.AddSingleton<IOpenProjects>(s => s.GetRequiredService<Registry>());
        services.AddSingleton<IQuotaLimits>(s => s.GetRequiredService<Registry>());
        services.AddSingleton<IAuthentication, Authentication>();
        services.AddSingleton<SigningKeys>();
        services.AddSingleton<SignedTokens>();
        services.AddSingleton<PasswordWork>();
        services.AddSingleton<Guesses>();
        services.AddSingleton<PasswordCheck>();
        services.AddSingleton<ResourceFacts>();
        services.AddSingleton<RoleBindings.StaleBindings>();
        services.AddSingleton<IHostedService>(s => s.GetRequiredService<RoleBindings.StaleBindings>());
        services.AddPurge();
        services.AddSingleton<JoinTokens>();
        services.AddSingleton<IJoinTokens>(s => s.GetRequiredService<JoinTokens>());
        services.AddSingleton<NodeService>();
        services.AddSingleton<INodes>(s => s.GetRequiredService<NodeService>());
        services.AddSingleton<IProjectContents>(s => new ProjectContents<IdentityDb>(s.GetRequiredService<Store<IdentityDb>>(), s)
            .Of("serviceAccounts", db => db.ServiceAccounts, (ServiceAccounts.ServiceAccountService accounts, string name, InnerCall call) =>
                accounts.DeleteServiceAccount(new() { Name = name }, call)));
        services.AddFacts(new FactTables<IdentityDb>().Of("serviceAccounts", db => db.ServiceAccounts));
        services.AddSingleton<ProviderDocuments>();
        services.AddSingleton<ProviderKeys>();
        services.AddSingleton<IStartUp, IdentityStartUp>();
        return services;
    }

    public static void MapIdentity(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGrpcService<Domains.DomainService>();
        endpoints.MapGrpcService<Projects.ProjectService>();
        endpoints.MapGrpcService<Quotas.QuotaService>();
        endpoints.MapGrpcService<Users.UserService>();
        endpoints.MapGrpcService<ServiceAccounts.ServiceAccountService>();
        endpoints.MapGrpcService<Groups.GroupService>();
        endpoints.MapGrpcService<Tokens.TokenService>();
        endpoints.MapGrpcService<Sessions.SessionService>();
        Discovery.Map(endpoints);
        endpoints.MapGrpcService<RoleService>();
        endpoints.MapGrpcService<RoleBindings.RoleBindingService>();
        endpoints.MapGrpcService<ProviderService>();
        endpoints.MapGrpcService<NodeService>();
        endpoints.MapGrpcService<AuthorityService>();
    }
}
