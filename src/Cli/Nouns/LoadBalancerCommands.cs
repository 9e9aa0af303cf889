using System.CommandLine;
using Google.Protobuf;
using Monolith.Cli.Session;
using Monolith.Cli.Verbs;
using Monolith.Cli.Waiting;
using Monolith.Lb.V1;

namespace Monolith.Cli.Nouns;

/// <summary>Load balancers: create in one line, and edits of listeners, pools and members.</summary>
internal static class LoadBalancerCommands
{
    public static Noun Noun => new("lb", Place.Project, LoadBalancerService.Descriptor, LoadBalancer.Descriptor)
    {
        About = "Load balancers.",
        Aliases = ["load-balancer", "lbs"],
        Columns =
        [
            Column.Name, Column.State(), Column.Of("ADDRESS", "address"), Column.Of("DNS NAME", "dns_name"),
            new("LISTENERS", (message, _) => string.Join(" ", ((LoadBalancer)message).Listeners
                .Select(one => $"{one.Protocol.ToString().ToLowerInvariant()}:{one.Port}:{one.Pool}"))),
            new("MEMBERS UP", (message, _) => Up((LoadBalancer)message)), Column.Age,
        ],
        Fields = [Fields.DisplayName, Fields.Labels],
        Life = Life.LoadBalancer,
        Without = ["Create"],
        Extra = (noun, app) => [Create(noun, app), Members(noun, app), Listeners(noun, app), Pools(noun, app)],
    };

    // A member counts as up when every node that has a view of it says so.
    static string Up(LoadBalancer balancer)
    {
        var up = balancer.MemberStatuses.GroupBy(status => (status.Pool, status.Member))
            .Count(views => views.All(view => view.Health == MemberStatus.Types.Health.Up));
        return $"{up}/{balancer.Pools.Sum(pool => pool.Members.Count)}";
    }

    static Command Create(Noun noun, App app)
    {
        var command = new Command("create", "Create a load balancer with its listeners, pools and members.");
        var name = new Argument<string>("NAME") { Description = "The new load balancer's id." };
        var listeners = Many("--listener", "Where connections come in.", BalancerSyntax.ListenerForm);
        var pools = Many("--pool", "Members that serve the same thing.", BalancerSyntax.PoolForm);
        var members = Many("--member", "A real server; POOL when there are several.", BalancerSyntax.MemberForm);
        var addresses = new Option<string?>("--address-pool")
        {
            Description = "Where its address is from.",
            HelpName = "POOL",
        };
        addresses.CompletionSources.Add(app.NamesOf(() => Catalog.Pool));
        command.Arguments.Add(name);
        foreach (var option in new Option[] { listeners, pools, members, addresses, Mutation.ExistOk })
            command.Options.Add(option);
        var shared = FieldOption.AddTo(command, noun, app, creates: true);
        Mutation.AddTo(command, waits: true);
        return app.Does(command, async run =>
        {
            var (json, _) = await FieldOption.ReadAsync(run, noun, shared);
            var balancer = JsonParser.Default.Parse<LoadBalancer>(json.ToJsonString());
            if (run.Line.GetValue(addresses) is { } pool)
                balancer.AddressPool = await run.ExpandAsync(Catalog.Pool, pool);
            balancer.Listeners.Add((run.Line.GetValue(listeners) ?? []).Select(BalancerSyntax.Listener));
            balancer.Pools.Add((run.Line.GetValue(pools) ?? []).Select(BalancerSyntax.Pool));
            foreach (var text in run.Line.GetValue(members) ?? [])
            {
                var (member, named) = await MemberAsync(run, text);
                PoolOf(balancer, named).Members.Add(member);
            }
            return await Verbs.Create.SendAsync(run, noun, run.Line.GetValue(name), balancer);
        });
    }

    static Option<string[]> Many(string flag, string help, string form) =>
        new(flag) { Description = help + " May be repeated.", HelpName = form, AllowMultipleArgumentsPerToken = false };

    static async Task<(Member Member, string? Pool)> MemberAsync(Run run, string text)
    {
        var member = BalancerSyntax.Member(text, out var pool, out var server);
        if (server is not null)
            member.Server = await run.ExpandAsync(Catalog.Server, server);
        return (member, pool);
    }

    static Pool PoolOf(LoadBalancer balancer, string? named) => balancer.Pools.ToList() switch
    {
        var pools when named is not null => pools.Find(pool => pool.Id == named)
            ?? throw new UsageException($"There is no pool '{named}'.", Known(balancer)),
        [var only] => only,
        [] => throw new UsageException("There is no pool.", "Add one: --pool ID, or `monolith lb pool add LB ID`."),
        _ => throw new UsageException("Which pool?", $"Write POOL=SERVER:PORT. {Known(balancer)}"),
    };

    static string Known(LoadBalancer balancer) =>
        $"Pools: {string.Join(", ", balancer.Pools.Select(pool => pool.Id))}.";

    static Command Members(Noun noun, App app)
    {
        var command = new Command("member", "List, add, remove and drain members.");
        command.Aliases.Add("members");
        command.Subcommands.Add(BalancerLists.Members(noun, app));
        command.Subcommands.Add(
            Editing(noun, app, "add", "Add members.", BalancerSyntax.MemberForm, async (run, texts) =>
        {
            var added = new List<(Member Member, string? Pool)>();
            foreach (var text in texts)
                added.Add(await MemberAsync(run, text));
            return balancer =>
            {
                foreach (var (member, pool) in added)
                    PoolOf(balancer, pool).Members.Add(member);
            };
        }));
        command.Subcommands.Add(
            OnMembers(noun, app, "remove", "Remove members.", (pool, member) => pool.Members.Remove(member)));
        command.Subcommands.Add(OnMembers(noun, app, "drain", "Let connections end and give no new ones.",
            (_, member) => member.Drain = true));
        command.Subcommands.Add(OnMembers(noun, app, "undrain", "Give new connections again.",
            (_, member) => member.Drain = false));
        return command;
    }

    static Command OnMembers(Noun noun, App app, string verb, string about, Action<Pool, Member> edit) =>
        Editing(noun, app, verb, about, "[POOL=]MEMBER|SERVER|ADDRESS", (_, texts) =>
            Task.FromResult<Action<LoadBalancer>>(balancer =>
        {
            foreach (var text in texts)
            {
                var (named, which) = text.Split('=', 2) is [var before, var after] ? (before, after) : (null, text);
                var found = balancer.Pools.Where(pool => named is null || pool.Id == named)
                    .SelectMany(pool => pool.Members.Where(member => Is(member, which))
                        .Select(member => (pool, member)))
                    .ToList();
                if (found.Count == 0)
                    throw new UsageException(
                        $"{balancer.Name} has no member '{which}'.", "Members: " + string.Join(", ",
                        balancer.Pools.SelectMany(pool => pool.Members.Select(member => $"{pool.Id}={member.Id}"))));
                foreach (var (pool, member) in found)
                    edit(pool, member);
            }
        }));

    // As it was added, `web1:80` and `10.0.0.7:80`, as well as without the port.
    static bool Is(Member member, string which)
    {
        string[] names = [member.Id, member.Address, member.Server, Names.Id(member.Server)];
        return names.Any(name => name.Length > 0 && (name == which || $"{name}:{member.Port}" == which));
    }

    static Command Listeners(Noun noun, App app)
    {
        var command = new Command("listener", "List, add and remove listeners.");
        command.Aliases.Add("listeners");
        command.Subcommands.Add(BalancerLists.Listeners(noun, app));
        command.Subcommands.Add(Editing(noun, app, "add", "Add listeners.", BalancerSyntax.ListenerForm, (_, texts) =>
            Task.FromResult<Action<LoadBalancer>>(
                balancer => balancer.Listeners.Add(texts.Select(BalancerSyntax.Listener))),
            "listeners"));
        command.Subcommands.Add(Editing(noun, app, "remove", "Remove listeners by id.", "ID", (_, texts) =>
            Task.FromResult<Action<LoadBalancer>>(balancer =>
            {
                foreach (var text in texts)
                    balancer.Listeners.Remove(balancer.Listeners.FirstOrDefault(one => one.Id == text)
                        ?? throw new UsageException($"{balancer.Name} has no listener '{text}'.",
                            "Listeners: " + string.Join(", ", balancer.Listeners.Select(one => one.Id))));
            }), "listeners"));
        return command;
    }

    static Command Pools(Noun noun, App app)
    {
        var command = new Command("pool", "List, add and remove pools.");
        command.Aliases.Add("pools");
        command.Subcommands.Add(BalancerLists.Pools(noun, app));
        command.Subcommands.Add(Editing(noun, app, "add", "Add pools.", BalancerSyntax.PoolForm, (_, texts) =>
            Task.FromResult<Action<LoadBalancer>>(balancer => balancer.Pools.Add(texts.Select(BalancerSyntax.Pool)))));
        command.Subcommands.Add(Editing(noun, app, "remove", "Remove pools by id.", "ID", (_, texts) =>
            Task.FromResult<Action<LoadBalancer>>(balancer =>
            {
                foreach (var text in texts)
                    balancer.Pools.Remove(PoolOf(balancer, text));
            })));
        return command;
    }

    static Command Editing(
        Noun noun, App app, string verb, string about, string form,
        Func<Run, string[], Task<Action<LoadBalancer>>> prepare, string field = "pools")
    {
        var command = new Command(verb, about);
        if (verb == "remove")
            command.Aliases.Add("rm");
        var name = NounCommand.Name(noun, app);
        var texts = new Argument<string[]>("WHAT") { Description = form, Arity = ArgumentArity.OneOrMore };
        command.Arguments.Add(name);
        command.Arguments.Add(texts);
        Mutation.AddTo(command, waits: true);
        return app.Does(command, async run =>
        {
            var edit = await prepare(run, run.Line.GetValue(texts)!);
            return await Edit.SendAsync(run, noun, run.Line.GetValue(name)!, field, edit);
        });
    }
}
