using System.CommandLine;

namespace Monolith.Cli.Nouns;

/// <summary>What a noun's resources lie in.</summary>
internal enum Place
{
    Cloud,
    Project,
    Zone,
    User,
    Pool,
}

/// <summary>The options by which a person says in which zone or pool, or of which user.</summary>
internal static class Parents
{
    public static readonly Option<string?> Zone = new("--zone")
    {
        Description = "The zone.",
        HelpName = "ZONE",
    };

    public static readonly Option<string?> User = new("--user")
    {
        Description = "The user. Default: the caller.",
        HelpName = "USER",
    };

    public static readonly Option<string?> Account = new("--service-account")
    {
        Description = "The service account; instead of --user.",
        HelpName = "ACCOUNT",
    };

    public static readonly Option<string?> Pool = new("--pool")
    {
        Description = "The address pool; - for all of them.",
        HelpName = "POOL",
    };

    public static void AddTo(Command command, Place place)
    {
        if (place == Place.Zone)
            command.Options.Add(Zone);
        if (place == Place.User)
        {
            command.Options.Add(User);
            command.Options.Add(Account);
            command.Validators.Add(result =>
            {
                if (result.GetValue(User) is not null && result.GetValue(Account) is not null)
                    result.AddError("--user and --service-account exclude each other.");
            });
        }
        if (place == Place.Pool)
            command.Options.Add(Pool);
    }

    public static string? GivenTo(ParseResult line, Place place) => place switch
    {
        Place.Zone => line.GetValue(Zone),
        Place.User => line.GetValue(User) ?? line.GetValue(Account),
        Place.Pool => line.GetValue(Pool),
        _ => null,
    };
}
