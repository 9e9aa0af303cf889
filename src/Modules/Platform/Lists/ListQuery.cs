using System.Linq.Expressions;
using Google.Protobuf;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;

namespace Monolith.Platform.Lists;

/// <summary>
/// What a list asks for: rows of a parent (AIP-132), which of them (AIP-160) and which page of those (AIP-158). Made in
/// one place, so that all that is wrong with a request is said at once.
/// </summary>
/// <param name="Scope">The projects of the parent; all of them when it is no project.</param>
public sealed record ListQuery<TRow>(ProjectScope Scope, Page Page, Expression<Func<TRow, bool>>? Filter)
{
    /// <summary>The rows that the filter lets through.</summary>
    public IQueryable<TRow> Filtered(IQueryable<TRow> rows) => Filter is null ? rows : rows.Where(Filter);
}

public static class ListQuery
{
    const string Projects = "projects/*";

    /// <summary>What does not change from page to page.</summary>
    static readonly string[] Asked = ["parent", "filter"];

    /// <param name="request">With any of <c>parent</c>, <c>filter</c>, <c>page_size</c> and <c>page_token</c>.</param>
    /// <param name="fields">What the filter may name; null when there is none.</param>
    /// <param name="parent">The form of the parent, when the request has one.</param>
    /// <param name="isNumbered">The key of the rows is a number; see <see cref="Page.AfterNumber"/>.</param>
    /// <exception cref="Fault">INVALID_ARGUMENT with every violation.</exception>
    public static ListQuery<TRow> Of<TRow>(IMessage request, Call call, FilterFields<TRow>? fields,
        string parent = Projects, bool isNumbered = false)
    {
        var violations = new Violations();
        var scope = request.Descriptor.FindFieldByName("parent") is null
            ? ProjectScope.Everything
            : ScopeOf(parent, Fields.Text(request, "parent"), call, violations);
        var query = Of(request, scope, fields, isNumbered, violations);
        violations.ThrowIfAny();
        return query;
    }

    /// <summary>As above, for who has more to check: violations join the others.</summary>
    public static ListQuery<TRow> Of<TRow>(IMessage request, ProjectScope scope, FilterFields<TRow>? fields,
        bool isNumbered, Violations violations)
    {
        var filter = Fields.Text(request, "filter");
        var page = Page.Of(Fields.Number(request, "page_size"), Fields.Text(request, "page_token"), isNumbered,
            violations, [.. Asked.Where(f => request.Descriptor.FindFieldByName(f) is not null)
                .Select(f => Fields.Text(request, f))]);
        return new(scope, page, fields is null ? null : Lists.Filter.Read(filter, fields, violations));
    }

    /// <summary>The projects that a parent stands for; all of them when it is no project.</summary>
    /// <param name="form">Of the parent: <c>projects/*</c>, <c>projects/*/zones/*</c>.</param>
    public static ProjectScope ScopeOf(string form, string parent, Call call, Violations violations)
    {
        if (form == Projects) return ProjectScope.Of(parent, call, violations);
        ResourceName.Parse(form, parent, "parent", violations);
        return ProjectScope.Everything;
    }

    /// <summary>The page, and one row more when there is another: of those in scope, in the order of names.</summary>
    public static IQueryable<TRow> Of<TRow>(this ListQuery<TRow> query, IQueryable<TRow> rows) where TRow : ResourceRow =>
        query.Page.Of(query.Filtered(query.Scope.Of(rows)));

    /// <inheritdoc cref="Page.Cut"/>
    public static (IReadOnlyList<TRow> Rows, string NextPageToken) Cut<TRow>(this ListQuery<TRow> query,
        IReadOnlyList<TRow> oneMore) where TRow : ResourceRow => query.Page.Cut(oneMore, r => r.Name);
}
