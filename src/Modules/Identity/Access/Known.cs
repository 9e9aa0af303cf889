using System.Collections.Immutable;
using Microsoft.EntityFrameworkCore;
using Monolith.Identity.Nodes;
using Monolith.Identity.Tokens;
using Monolith.Identity.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Access;

internal sealed record KnownUser(bool Disabled, Caller Caller);

/// <param name="Expires">UTC; null: never.</param>
/// <param name="Limits">Null: it is good for all that its user may.</param>
internal sealed record KnownToken(string Name, string User, DateTime? Expires, TokenLimits? Limits);

internal sealed record KnownNode(Guid Uid, NodeRole Role, Caller Caller);

/// <summary>
/// What access is decided by, as the rows were at one moment. Immutable; a change makes a new one that shares what
/// stayed.
/// </summary>
/// <param name="Deleted">Those of the projects that are being deleted: nothing is made in them.</param>
/// <param name="OwnRoles">Beside the built-in ones.</param>
internal sealed record Known(
    ImmutableHashSet<string> Projects,
    ImmutableHashSet<string> Deleted,
    ImmutableDictionary<string, Role> OwnRoles,
    ImmutableDictionary<string, KnownUser> Users,
    ImmutableDictionary<TokenDigest, KnownToken> Tokens,
    ImmutableDictionary<string, TokenDigest> TokenDigests,
    ImmutableDictionary<string, KnownNode> Nodes,
    KnownQuotas Quotas)
{
    public static Known Nothing { get; } = new(
        ImmutableHashSet.Create<string>(StringComparer.Ordinal),
        ImmutableHashSet.Create<string>(StringComparer.Ordinal),
        ImmutableDictionary.Create<string, Role>(StringComparer.Ordinal),
        ImmutableDictionary.Create<string, KnownUser>(StringComparer.Ordinal),
        ImmutableDictionary<TokenDigest, KnownToken>.Empty,
        ImmutableDictionary.Create<string, TokenDigest>(StringComparer.Ordinal),
        ImmutableDictionary.Create<string, KnownNode>(StringComparer.Ordinal),
        KnownQuotas.None);

    public static async Task<Known> LoadAsync(IdentityDb db)
    {
        var known = Nothing.WithProjects([], await db.Projects.ToListAsync());
        known = known.WithRoles([], await db.Roles.ToListAsync());
        known = known.WithUsers([], await db.Users.ToListAsync(), await db.RoleBindings.ToListAsync());
        known = known.WithTokens([], await db.Tokens.ToListAsync());
        known = known with { Quotas = known.Quotas.With([], await db.Quotas.ToListAsync()) };
        return known.WithNodes([], await db.Nodes.ToListAsync());
    }

    /// <summary>Rereads what the events speak of.</summary>
    public async Task<Known> AfterAsync(IReadOnlyList<EventRow> events, IdentityDb db)
    {
        var touched = Touched.By(events);
        var known = this;
        if (touched.Projects.Count > 0)
            known = known.WithProjects([.. touched.Projects.Select(n => n["projects/".Length..])],
                await db.Projects.Where(p => touched.Projects.Contains(p.Name)).ToListAsync());
        if (touched.Roles.Count > 0)
        {
            known = known.WithRoles(touched.Roles, await db.Roles.Where(r => touched.Roles.Contains(r.Name)).ToListAsync());
            touched.Users.UnionWith(await db.RoleBindings.Where(b => touched.Roles.Contains(b.Role)).Select(b => b.Member).ToListAsync());
        }
        if (touched.Users.Count > 0)
            known = known.WithUsers(touched.Users,
                await db.Users.Where(u => touched.Users.Contains(u.Name)).ToListAsync(),
                await db.RoleBindings.Where(b => touched.Users.Contains(b.Member)).ToListAsync());
        if (touched.Tokens.Count > 0)
            known = known.WithTokens(touched.Tokens,
                await db.Tokens.Where(t => touched.Tokens.Contains(t.Name)).ToListAsync());
        if (touched.Nodes.Count > 0)
            known = known.WithNodes(touched.Nodes,
                await db.Nodes.Where(n => touched.Nodes.Contains(n.Name)).ToListAsync());
        if (touched.Quotas.Count > 0)
            known = known with
            {
                Quotas = known.Quotas.With(touched.Quotas,
                    await db.Quotas.Where(q => touched.Quotas.Contains(q.Name)).ToListAsync()),
            };
        return known;
    }

    Known WithProjects(IReadOnlyCollection<string> stale, List<Projects.ProjectRow> projects) => this with
    {
        Projects = Projects.Except(stale).Union(projects.Select(p => p.Project)),
        Deleted = Deleted.Except(stale).Union(projects.Where(p => p.DeleteTime is not null).Select(p => p.Project)),
    };

    Known WithRoles(IEnumerable<string> stale, List<RoleRow> roles) => this with
    {
        OwnRoles = OwnRoles.RemoveRange(stale).SetItems(roles.Select(r => KeyValuePair.Create(r.Name, r.ToRole()))),
    };

    Known WithUsers(IEnumerable<string> stale, List<Users.UserRow> users, List<RoleBindings.RoleBindingRow> bindings)
    {
        var grants = bindings.Select(b => (b.Member, b.Scope, Role: Roles.Find(b.Role) ?? OwnRoles.GetValueOrDefault(b.Role)))
            .Where(b => b.Role is not null)
            .ToLookup(b => b.Member, b => Roles.Grant(b.Role!, b.Scope), StringComparer.Ordinal);
        return this with
        {
            Users = Users.RemoveRange(stale).SetItems(users.Select(u => KeyValuePair.Create(u.Name,
                new KnownUser(u.Disabled, new Caller(u.Name, [.. grants[u.Name]]))))),
        };
    }

    Known WithTokens(IReadOnlyCollection<string> stale, List<TokenRow> tokens) => this with
    {
        Tokens = Tokens
            .RemoveRange(stale.Where(TokenDigests.ContainsKey).Select(name => TokenDigests[name]))
            .SetItems(tokens.Select(t => KeyValuePair.Create(TokenDigest.Of(t.Digest),
                new KnownToken(t.Name, t.User, t.ExpireTime, t.ToLimits())))),
        TokenDigests = TokenDigests.RemoveRange(stale)
            .SetItems(tokens.Select(t => KeyValuePair.Create(t.Name, TokenDigest.Of(t.Digest)))),
    };

    Known WithNodes(IEnumerable<string> stale, List<NodeRow> nodes) => this with
    {
        Nodes = Nodes.RemoveRange(stale).SetItems(nodes.Select(n => KeyValuePair.Create(n.Name,
            new KnownNode(n.Uid, n.Role, new Caller(n.Name, [Roles.Grant("roles/" + NodeRoles.Word(n.Role), "")]))))),
    };

    /// <summary>The names of what events speak of, by noun; a binding speaks of its member.</summary>
    sealed record Touched(HashSet<string> Projects, HashSet<string> Users, HashSet<string> Tokens, HashSet<string> Nodes,
        HashSet<string> Quotas, HashSet<string> Roles)
    {
        public static Touched By(IReadOnlyList<EventRow> events)
        {
            var touched = new Touched([], [], [], [], [], []);
            foreach (var e in events)
                switch (e.Type.Split('.')[2])
                {
                    case "project":
                        touched.Projects.Add(e.Resource);
                        break;
                    case "user":
                        touched.Users.Add(e.Resource);
                        break;
                    case "roleBinding":
                        touched.Users.Add(RoleBinding.Parser.ParseFrom(e.Data).Member);
                        break;
                    case "role":
                        touched.Roles.Add(e.Resource);
                        break;
                    case "token":
                        touched.Tokens.Add(e.Resource);
                        break;
                    case "node":
                        touched.Nodes.Add(e.Resource);
                        break;
                    case "quota":
                        touched.Quotas.Add(e.Resource);
                        break;
                }
            return touched;
        }
    }
}
