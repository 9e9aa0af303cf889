using System.Globalization;
using System.Linq.Expressions;
using Monolith.Platform.Faults;
using Monolith.Platform.Names;

namespace Monolith.Platform.Lists;

/// <summary>
/// The fields of a row that a filter may name. Values are compared in the database.
/// </summary>
public sealed class FilterFields<TRow>
{
    internal Dictionary<string, (Expression<Func<TRow, object?>> Value, Func<string, object?> Parse)> Fields { get; } =
        new(StringComparer.Ordinal);

    internal Expression<Func<TRow, string>>? LabelsColumn { get; private set; }

    public FilterFields<TRow> Text(string field, Expression<Func<TRow, string?>> value) =>
        Add(field, value, text => text);

    public FilterFields<TRow> Number(string field, Expression<Func<TRow, long>> value) =>
        Add(field, value, text => long.TryParse(text, CultureInfo.InvariantCulture, out var n) ? n : null);

    public FilterFields<TRow> Flag(string field, Expression<Func<TRow, bool>> value) =>
        Add(field, value, text => bool.TryParse(text, out var b) ? b : null);

    public FilterFields<TRow> Time(string field, Expression<Func<TRow, DateTime>> value) =>
        Add(field, value, text => DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal, out var t) ? t.UtcDateTime : null);

    /// <summary>An enum, written as in the proto with or without its prefix: <c>STATE_READY</c> or <c>READY</c>.</summary>
    public FilterFields<TRow> Word<TEnum>(string field, Expression<Func<TRow, TEnum>> value) where TEnum : struct, Enum =>
        Add(field, value, text => ParseEnum<TEnum>(text));

    /// <summary>Labels as <see cref="Labels.Store"/> writes them, named <c>labels.key</c>.</summary>
    public FilterFields<TRow> Labels(Expression<Func<TRow, string>> column)
    {
        LabelsColumn = column;
        return this;
    }

    FilterFields<TRow> Add<TValue>(string field, Expression<Func<TRow, TValue>> value, Func<string, object?> parse)
    {
        Fields[field] = (Expression.Lambda<Func<TRow, object?>>(
            Expression.Convert(value.Body, typeof(object)), value.Parameters), parse);
        return this;
    }

    static object? ParseEnum<TEnum>(string text) where TEnum : struct, Enum
    {
        var word = text.Replace("_", "", StringComparison.Ordinal);
        foreach (var value in Enum.GetValues<TEnum>())
        {
            var name = value.ToString();
            if (word.Equals(name, StringComparison.OrdinalIgnoreCase)
                || word.EndsWith(name, StringComparison.OrdinalIgnoreCase)
                && word.Length > name.Length && text[^(name.Length + 1)..].StartsWith('_'))
                return value;
        }
        return null;
    }
}

/// <summary>
/// Filters (AIP-160): comparisons <c>= != &lt; &lt;= &gt; &gt;= :</c> joined by AND, OR, NOT and parentheses; OR binds
/// tighter than AND, as the AIP says. <c>=</c> on text takes <c>*</c> at either end; <c>:</c> means "contains".
/// </summary>
public static class Filter
{
    const int MaxLength = 2000;

    /// <summary>What the filter asks of a row; null for an empty filter.</summary>
    /// <param name="violations">Gets one that says where the filter is wrong and which fields there are.</param>
    public static Expression<Func<TRow, bool>>? Read<TRow>(string filter, FilterFields<TRow> fields,
        Violations violations)
    {
        if (string.IsNullOrWhiteSpace(filter)) return null;
        try
        {
            return Compile(filter, fields);
        }
        catch (Fault fault)
        {
            foreach (var found in fault.Fields) violations.Add(found.Field, found.Description);
            return null;
        }
    }

    /// <summary>Whether a filter that was read compares the field with something.</summary>
    public static bool Names(string filter, string field)
    {
        var tokens = FilterTokens.Read(filter);
        return tokens.Zip(tokens.Skip(1)).Any(pair => pair.First is { Kind: FilterTokenKind.Word } word && word.Text == field
            && pair.Second.Kind == FilterTokenKind.Operator);
    }

    static Expression<Func<TRow, bool>> Compile<TRow>(string filter, FilterFields<TRow> fields)
    {
        if (filter.Length > MaxLength) throw Fault.Invalid("filter", $"must have at most {MaxLength} characters");
        // PostgreSQL has no text with NUL in it.
        if (filter.Contains('\0')) throw Fault.Invalid("filter", "must not contain NUL");
        var row = Expression.Parameter(typeof(TRow), "row");
        var parser = new FilterParser<TRow>(FilterTokens.Read(filter), fields, row);
        return Expression.Lambda<Func<TRow, bool>>(parser.Parse(), row);
    }
}
