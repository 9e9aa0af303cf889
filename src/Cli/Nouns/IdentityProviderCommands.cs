using System.Text.Json.Nodes;
using Monolith.Cli.Session;
using Monolith.Identity.V1;

namespace Monolith.Cli.Nouns;

/// <summary>Providers that vouch for people; by which they sign in is `monolith login`.</summary>
internal static class IdentityProviderCommands
{
    public static Noun Noun => new("identity-provider", Place.Cloud, IdentityProviderService.Descriptor, IdentityProvider.Descriptor)
    {
        About = "OpenID Connect providers by which people sign in.",
        Aliases = ["identity-providers", "idp"],
        Columns =
        [
            Column.Name, Column.Of("ISSUER", "issuer"), Column.Of("CLIENT", "client_id"), Column.Of("DISABLED", "disabled"), Column.Age,
        ],
        Fields =
        [
            new("--issuer", "issuer", "As in its tokens.") { Required = true, Value = "URL" },
            new("--client-id", "client_id", "The command, as a public client that may use the device flow.")
            {
                Required = true, Mutable = true, Value = "CLIENT",
            },
            new("--audience", "audiences", "For whom its tokens may be made out. Default: the client.") { Mutable = true, Value = "CLIENT" },
            new("--scope", "scopes", "What is asked for. Default: openid, profile, email.") { Mutable = true, Value = "SCOPE" },
            new("--user-claim", "user_claim", "What names the user. Default: preferred_username, else email.") { Mutable = true, Value = "CLAIM" },
            new("--user-template", "user_template", "How the user's id is made of it: {local}, {domain}, {claim}. Default: {local}.")
            {
                Mutable = true, Value = "TEMPLATE",
            },
            new("--email-claim", "email_claim", "What has a new user's mail address. Default: email.") { Mutable = true, Value = "CLAIM" },
            new("--require", "required_claims", "What a token must say: hd=example.com, groups=cloud-users.") { Mutable = true, Value = "CLAIM=VALUE" },
            new("--groups-claim", "groups_claim", "What lists somebody's groups there.") { Mutable = true, Value = "CLAIM" },
            new("--group", "groups", "What a group there is here: /eng=groups/engineers.") { Mutable = true, Value = "THEIRS=groups/OURS" },
            new("--known-users-only", "known_users_only", "Let in only users that an administrator has linked.") { Mutable = true },
            new("--session-time", "session_time", "How long a sign-in is good. Default: 12h.") { Mutable = true, Value = "TIME" },
            new("--disabled", "disabled", "Let nobody sign in by it.") { Mutable = true },
            Fields.DisplayName,
        ],
    };

    /// <summary>The full name of one, or nothing.</summary>
    public static async ValueTask<JsonNode?> ReferAsync(Run run, string text) =>
        text.Length == 0 ? "" : await run.ExpandAsync(Catalog.IdentityProvider, text);
}
