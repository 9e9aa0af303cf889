using System.CommandLine;
using System.Globalization;
using Grpc.Core;
using Monolith.Cli.Output;
using Monolith.Cli.Session;
using Monolith.Cli.SignIn;
using Monolith.Identity.V1;

namespace Monolith.Cli.Commands;

/// <summary>
/// Sign in and out. However somebody shows who they are, it ends with a token, which goes into the context in use and nowhere
/// else: no secret is on a command line or in what is printed.
/// </summary>
internal static class LoginCommands
{
    const string FirstContext = "default";

    /// <summary>What a way to sign in ends with.</summary>
    /// <param name="Secret">Of the token.</param>
    /// <param name="By">Who vouches for it, for people.</param>
    internal sealed record SignedIn(Token Token, string Secret, string By);

    public static Command Login(App app)
    {
        var command = new Command("login", "Sign in in a browser, or with a password, and keep the token in the context in use.");
        var provider = new Option<string?>("--provider")
        {
            Description = "Who vouches for you. Default: the only identity provider that there is.", HelpName = "PROVIDER",
        };
        var user = new Option<string?>("--user", "-u")
        {
            Description = "Sign in with the password of this user, which is asked for, or is a line of standard input.", HelpName = "USER",
        };
        command.Options.Add(provider);
        command.Options.Add(user);
        command.Validators.Add(result =>
        {
            if (result.GetValue(user) is not null && result.GetValue(provider) is not null)
                result.AddError("--user and --provider exclude each other.");
        });
        return app.Does(command, async run =>
        {
            var (configuration, name) = Context(run);
            Keep(run, configuration, name, run.Line.GetValue(user) is { } who
                ? await ByPasswordAsync(run, await run.ExpandAsync(Nouns.Catalog.User, who))
                : await ByDeviceAsync(run, run.Line.GetValue(provider)));
            return ExitCode.Done;
        });
    }

    public static Command Logout(App app)
    {
        var command = new Command("logout", "Refuse the token of `monolith login` from now on, and forget it.");
        return app.Does(command, async run =>
        {
            var (configuration, name) = Context(run);
            if (!configuration.Contexts.TryGetValue(name, out var context) || context is not { Session: { } session, Token: { } token })
                throw new UsageException($"Nobody is signed in in the context {name}.", "`monolith login` signs in.");
            using var own = new Run(run.Line, run.Around, run.Settings with { Token = token }, run.Cancel);
            try
            {
                await own.Calls.UnaryAsync(TokenService.Descriptor.FindMethodByName("RevokeToken"), new RevokeTokenRequest { Name = session }, own.Cancel);
            }
            // It has expired, or was revoked: nothing is left to refuse.
            catch (RpcException error) when (Failure.CodeOf(error) is StatusCode.Unauthenticated or StatusCode.NotFound)
            {
            }
            configuration.Contexts[name] = context with { Token = null, Session = null };
            configuration.Save();
            run.Around.Out.WriteLine($"Signed out of {name}.");
            return ExitCode.Done;
        });
    }

    /// <summary>A provider vouches for whoever says yes in a browser.</summary>
    static async Task<SignedIn> ByDeviceAsync(Run run, string? wanted)
    {
        var provider = Choose(wanted, await run.Calls.UnaryAsync<ListSignInProvidersResponse>(
            Method("ListSignInProviders"), new ListSignInProvidersRequest(), run.Cancel));
        using var client = new ProviderClient();
        var idToken = await new DeviceFlow(client, provider, run.Around).RunAsync(run.Settings.Timeout, run.Cancel);
        var made = await run.Calls.UnaryAsync<ExchangeIdTokenResponse>(
            Method("ExchangeIdToken"), new ExchangeIdTokenRequest { Name = provider.Name, IdToken = idToken }, run.Cancel);
        return new(made.Token, made.Secret, Id(provider));
    }

    static async Task<SignedIn> ByPasswordAsync(Run run, string user)
    {
        var made = await run.Calls.UnaryAsync<CreateTokenResponse>(SessionService.Descriptor.FindMethodByName("CreateSession"),
            new CreateSessionRequest
            {
                Parent = user,
                Password = Secret.Read(run.Around, $"Password of {Nouns.Names.Id(user)}"),
                DisplayName = "monolith login",
            }, run.Cancel);
        return new(made.Token, made.Secret, "password");
    }

    static SignInProvider Choose(string? wanted, ListSignInProvidersResponse known)
    {
        var all = string.Join(", ", known.Providers.Select(Id));
        if (known.Providers.Count == 0)
            throw new UsageException("This cloud believes no identity provider.",
                "An administrator says which one: `monolith identity-provider create`. Until then: `monolith config save NAME --token TOKEN`.");
        if (wanted is not null)
            return known.Providers.FirstOrDefault(p => p.Name == wanted || Id(p) == wanted)
                ?? throw new UsageException($"There is no identity provider '{wanted}'.", $"There are: {all}.");
        return known.Providers is [var only] ? only : throw new UsageException("Who vouches for you?", $"Say --provider NAME, one of {all}.");
    }

    /// <summary>The configuration, and the context of it that holds for this run; it need not be there.</summary>
    /// <exception cref="UsageException">It is another host's: a token must not go there.</exception>
    static (Configuration, string Name) Context(Run run)
    {
        var configuration = Configuration.Read(run.Around.ConfigurationFile);
        var name = run.Line.GetValue(Globals.Context) ?? run.Around.Variable("MONOLITH_CONTEXT") ?? configuration.Current ?? FirstContext;
        if (configuration.Contexts.GetValueOrDefault(name)?.Endpoint is { } endpoint
            && Settings.ParseEndpoint(endpoint, run.Around.Variable("MONOLITH_TLS_ENDPOINT")).Authority != run.Settings.Endpoint.Authority)
            throw new UsageException($"The context {name} is of {endpoint}, and this is about {run.Settings.Endpoint.Authority}.",
                $"Make it a context of its own: `monolith config save NAME --endpoint {run.Settings.Endpoint.Authority}`.");
        return (configuration, name);
    }

    static void Keep(Run run, Configuration configuration, string name, SignedIn made)
    {
        var user = made.Token.Name.Split('/')[1];
        if (made.Secret.Length == 0)
            throw new UsageException("The answer with the token was lost on its way.", "Sign in again: `monolith login`.");
        var before = configuration.Contexts.GetValueOrDefault(name) ?? new(null, null, null, null);
        configuration.Contexts[name] = before with
        {
            Endpoint = before.Endpoint ?? run.Settings.Endpoint.GetLeftPart(UriPartial.Authority),
            Ca = before.Ca ?? (run.Settings.Ca is { } ca ? Path.GetFullPath(ca) : null),
            Token = made.Secret,
            Session = made.Token.Name,
        };
        configuration.Current ??= name;
        configuration.Save();
        var until = made.Token.ExpireTime.ToDateTimeOffset().ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);
        run.Around.Out.WriteLine($"Signed in as {user} by {made.By}, until {until}, in the context {name}.");
        if (run.Around.Variable("MONOLITH_TOKEN") is not null)
            run.Around.Error.WriteLine("MONOLITH_TOKEN is set, and goes before the context's token: unset it.");
    }

    static Google.Protobuf.Reflection.MethodDescriptor Method(string name) => IdentityProviderService.Descriptor.FindMethodByName(name);

    static string Id(SignInProvider provider) => provider.Name["identityProviders/".Length..];
}
