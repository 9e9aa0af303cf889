using System.Collections.Immutable;
using Microsoft.EntityFrameworkCore;
using Monolith.Identity.Authority;
using Monolith.Identity.Groups;
using Monolith.Identity.Nodes;
using Monolith.Identity.ServiceAccounts;
using Monolith.Identity.Tokens;
using Monolith.Identity.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Access;

/// <summary>A user, or a service account.</summary>
internal sealed record KnownUser(bool Disabled, Caller Caller);

/// <param name="Expires">UTC; null: never.</param>
/// <param name="Limits">Null: it is good for all that its user may.</param>
internal sealed record KnownToken(string Name, string User, DateTime? Expires, TokenLimits? Limits);

/// <param name="CertifiedBy">See <see cref="NodeRow"/>; as the next.</param>
internal sealed record KnownNode(Guid Uid, NodeRole Role, Caller Caller, string CertifiedBy, string NewestTrusted);

/// <summary>
/// What access is decided by, as the rows were at one moment. Immutable; a change makes a new one that shares what
/// stayed.
/// </summary>
/// <param name="InDomains">The ids of their projects.</param>
/// <param name="Deleted">Those of the projects that are being deleted: nothing is made in them.</param>
/// <param name="OwnRoles">Beside the built-in ones.</param>
/// <param name="Users">And service accounts.</param>
/// <param name="Groups">Their members.</param>
internal sealed record Known(
    ImmutableHashSet<string> Domains,
    ImmutableDictionary<string, ImmutableHashSet<string>> InDomains,
    ImmutableHashSet<string> Projects,
    ImmutableHashSet<string> Deleted,
    ImmutableDictionary<string, Role> OwnRoles,
    ImmutableDictionary<string, KnownUser> Users,
    ImmutableDictionary<string, ImmutableHashSet<string>> Groups,
    ImmutableDictionary<TokenDigest, KnownToken> Tokens,
    ImmutableDictionary<string, TokenDigest> TokenDigests,
    ImmutableDictionary<string, KnownNode> Nodes,
    ImmutableDictionary<string, AuthorityRow> Authorities,
    KnownQuotas Quotas)
{
    public static Known Nothing { get; } = new(
        ImmutableHashSet.Create<string>(StringComparer.Ordinal),
        ImmutableDictionary.Create<string, ImmutableHashSet<string>>(StringComparer.Ordinal),
        ImmutableHashSet.Create<string>(StringComparer.Ordinal),
        ImmutableHashSet.Create<string>(StringComparer.Ordinal),
        ImmutableDictionary.Create<string, Role>(StringComparer.Ordinal),
        ImmutableDictionary.Create<string, KnownUser>(StringComparer.Ordinal),
        ImmutableDictionary.Create<string, ImmutableHashSet<string>>(StringComparer.Ordinal),
        ImmutableDictionary<TokenDigest, KnownToken>.Empty,
        ImmutableDictionary.Create<string, TokenDigest>(StringComparer.Ordinal),
        ImmutableDictionary.Create<string, KnownNode>(StringComparer.Ordinal),
        ImmutableDictionary.Create<string, AuthorityRow>(StringComparer.Ordinal),
        KnownQuotas.None);

    public static async Task<Known> LoadAsync(IdentityDb db)
    {
        var known = Nothing.WithProjects([], await db.Projects.ToListAsync());
        known = known with { Domains = known.Domains.Union(await db.Domains.Select(d => d.Name).ToListAsync()) };
        known = known.WithRoles([], await db.Roles.ToListAsync());
        known = known.WithGroups([], await db.Groups.ToListAsync());
        known = known.WithUsers([], await db.Users.ToListAsync(), await db.ServiceAccounts.ToListAsync(), await db.RoleBindings.ToListAsync());
        known = known.WithTokens([], await db.Tokens.ToListAsync());
        known = known with { Quotas = known.Quotas.With([], await db.Quotas.ToListAsync()) };
        known = known.WithAuthorities([], await db.Authorities.ToListAsync());
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
        if (touched.Domains.Count > 0)
            known = known with
            {
                Domains = Domains.Except(touched.Domains).Union(await db.Domains.Where(d => touched.Domains.Contains(d.Name)).Select(d => d.Name).ToListAsync()),
            };
        if (!ReferenceEquals(known.InDomains, InDomains))
        {
            // What is bound there counts in other projects now.
            var other = known.InDomains.Keys.Union(InDomains.Keys)
                .Where(d => !ReferenceEquals(known.InDomains.GetValueOrDefault(d), InDomains.GetValueOrDefault(d))).ToList();
            touched.Bound.UnionWith(await db.RoleBindings.Where(b => other.Contains(b.Scope)).Select(b => b.Member).ToListAsync());
        }
        if (touched.Roles.Count > 0)
        {
            known = known.WithRoles(touched.Roles, await db.Roles.Where(r => touched.Roles.Contains(r.Name)).ToListAsync());
            touched.Bound.UnionWith(await db.RoleBindings.Where(b => touched.Roles.Contains(b.Role)).Select(b => b.Member).ToListAsync());
        }
        if (touched.Groups.Count > 0)
        {
            known = known.WithGroups(touched.Groups, await db.Groups.Where(g => touched.Groups.Contains(g.Name)).ToListAsync());
            // Who stayed in it has what they had.
            foreach (var group in touched.Groups) touched.Users.UnionWith(MembersOf(group).SymmetricExcept(known.MembersOf(group)));
        }
        foreach (var bound in touched.Bound)
            if (Members.IsGroup(bound)) touched.Users.UnionWith(known.MembersOf(bound));
            else touched.Users.Add(bound);
        if (touched.Users.Count > 0)
        {
            var sources = touched.Users.Concat(known.Groups.Where(g => g.Value.Overlaps(touched.Users)).Select(g => g.Key)).ToList();
            known = known.WithUsers(touched.Users,
                await db.Users.Where(u => touched.Users.Contains(u.Name)).ToListAsync(),
                await db.ServiceAccounts.Where(s => touched.Users.Contains(s.Name)).ToListAsync(),
                await db.RoleBindings.Where(b => sources.Contains(b.Member)).ToListAsync());
        }
        if (touched.Tokens.Count > 0)
            known = known.WithTokens(touched.Tokens,
                await db.Tokens.Where(t => touched.Tokens.Contains(t.Name)).ToListAsync());
        if (touched.Nodes.Count > 0)
            known = known.WithNodes(touched.Nodes,
                await db.Nodes.Where(n => touched.Nodes.Contains(n.Name)).ToListAsync());
        if (touched.Authorities.Count > 0)
            known = known.WithAuthorities(touched.Authorities,
                await db.Authorities.Where(a => touched.Authorities.Contains(a.Name)).ToListAsync());
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
        InDomains = Inside(stale, projects),
        Projects = Projects.Except(stale).Union(projects.Select(p => p.Project)),
        Deleted = Deleted.Except(stale).Union(projects.Where(p => p.DeleteTime is not null).Select(p => p.Project)),
    };

    Known WithRoles(IEnumerable<string> stale, List<RoleRow> roles) => this with
    {
        OwnRoles = OwnRoles.RemoveRange(stale).SetItems(roles.Select(r => KeyValuePair.Create(r.Name, r.ToRole()))),
    };

    /// <param name="name"><c>users/{user}/tokens/{token}</c></param>
    public KnownToken? TokenOf(string name) => TokenDigests.TryGetValue(name, out var digest) ? Tokens[digest] : null;

    public IEnumerable<string> GroupsOf(string member) => Groups.Where(g => g.Value.Contains(member)).Select(g => g.Key);

    ImmutableDictionary<string, ImmutableHashSet<string>> Inside(IReadOnlyCollection<string> stale, List<Projects.ProjectRow> projects)
    {
        var inside = InDomains;
        foreach (var (domain, before) in InDomains)
            if (stale.Any(p => before.Contains(p) && !projects.Any(row => row.Project == p && row.Domain == domain)))
                inside = inside.SetItem(domain, before.Except(stale.Where(p => !projects.Any(row => row.Project == p && row.Domain == domain))));
        foreach (var row in projects.Where(p => p.Domain.Length > 0))
            if (inside.GetValueOrDefault(row.Domain, Nothing.Projects) is var before && !before.Contains(row.Project))
                inside = inside.SetItem(row.Domain, before.Add(row.Project));
        return inside.RemoveRange(inside.Where(d => d.Value.Count == 0).Select(d => d.Key));
    }

    /// <summary>What a binding gives: on a domain, in each of its projects as well.</summary>
    IEnumerable<CallerGrant> Spread(CallerGrant grant) => InDomains.GetValueOrDefault(grant.Scope, Nothing.Projects)
        .Select(p => grant with { Scope = "projects/" + p, From = grant.Scope }).Prepend(grant);

    ImmutableHashSet<string> MembersOf(string group) => Groups.GetValueOrDefault(group, Nothing.Projects);

    Known WithGroups(IEnumerable<string> stale, List<GroupRow> groups) => this with
    {
        Groups = Groups.RemoveRange(stale).SetItems(groups.Select(g => KeyValuePair.Create(g.Name, Nothing.Projects.Union(g.MemberList)))),
    };

    /// <param name="bindings">Of these, and of the groups that they are in.</param>
    Known WithUsers(IEnumerable<string> stale, List<Users.UserRow> users, List<ServiceAccountRow> accounts,
        List<RoleBindings.RoleBindingRow> bindings)
    {
        var grants = bindings.Select(b => (Binding: b, Role: Roles.Find(b.Role) ?? OwnRoles.GetValueOrDefault(b.Role)))
            .Where(b => b.Role is not null)
            .SelectMany(b => Spread(b.Binding.ToGrant(b.Role!)).Select(Grant => (b.Binding.Member, Grant)))
            .ToLookup(b => b.Member, b => b.Grant, StringComparer.Ordinal);
        var groups = grants.Where(g => Members.IsGroup(g.Key)).SelectMany(g => MembersOf(g.Key).Select(m => (Member: m, Group: g.Key)))
            .ToLookup(m => m.Member, m => m.Group, StringComparer.Ordinal);
        return this with
        {
            Users = Users.RemoveRange(stale).SetItems(users.Select(u => (u.Name, u.Disabled))
                .Concat(accounts.Select(a => (a.Name, a.Disabled)))
                .Select(u => KeyValuePair.Create(u.Name, new KnownUser(u.Disabled,
                    new Caller(u.Name, [.. grants[u.Name], .. groups[u.Name].SelectMany(g => grants[g])]))))),
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
            new KnownNode(n.Uid, n.Role, new Caller(n.Name, [Roles.Grant("roles/" + NodeRoles.Word(n.Role), "")]), n.CertifiedBy, n.NewestTrusted)))),
    };

    Known WithAuthorities(IEnumerable<string> stale, List<AuthorityRow> authorities) => this with
    {
        Authorities = Authorities.RemoveRange(stale).SetItems(authorities.Select(a => KeyValuePair.Create(a.Name, a))),
    };

    /// <summary>The names of what events speak of, by noun; a binding speaks of its member.</summary>
    /// <param name="Users">And service accounts.</param>
    /// <param name="Bound">Users, service accounts and groups to whom something was bound, or is no longer.</param>
    sealed record Touched(HashSet<string> Projects, HashSet<string> Users, HashSet<string> Tokens, HashSet<string> Nodes,
        HashSet<string> Quotas, HashSet<string> Roles, HashSet<string> Groups, HashSet<string> Bound, HashSet<string> Domains,
        HashSet<string> Authorities)
    {
        public static Touched By(IReadOnlyList<EventRow> events)
        {
            var touched = new Touched([], [], [], [], [], [], [], [], [], []);
            foreach (var e in events)
                switch (e.Type.Split('.')[2])
                {
                    case "project":
                        touched.Projects.Add(e.Resource);
                        break;
                    case "user" or "serviceAccount":
                        touched.Users.Add(e.Resource);
                        break;
                    case "roleBinding":
                        touched.Bound.Add(RoleBinding.Parser.ParseFrom(e.Data).Member);
                        break;
                    case "domain":
                        touched.Domains.Add(e.Resource);
                        break;
                    case "group":
                        touched.Groups.Add(e.Resource);
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
                    case "certificateAuthority":
                        touched.Authorities.Add(e.Resource);
                        break;
                    case "quota":
                        touched.Quotas.Add(e.Resource);
                        break;
                }
            return touched;
        }
    }
}
