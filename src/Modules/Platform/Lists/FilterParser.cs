using System.Linq.Expressions;
using Monolith.Platform.Faults;
using Monolith.Platform.Names;

namespace Monolith.Platform.Lists;

/// <summary>Recursive descent over the grammar of AIP-160; builds the expression as it goes.</summary>
internal sealed class FilterParser<TRow>(List<FilterToken> tokens, FilterFields<TRow> fields, ParameterExpression row)
{
    const int MaxDepth = 32;
    int at;
    int depth;

    FilterToken Next => tokens[at];

    public Expression Parse()
    {
        var all = All();
        if (Next.Kind != FilterTokenKind.End) throw Unexpected("AND, OR or the end");
        return all;
    }

    // expression = any { [AND] any }
    Expression All()
    {
        if (++depth > MaxDepth) throw Fault.Invalid("filter", "is nested too deeply");
        var left = Any();
        while (true)
        {
            if (IsWord("AND")) at++;
            else if (Next.Kind is FilterTokenKind.End or FilterTokenKind.Close) break;
            left = Expression.AndAlso(left, Any());
        }
        depth--;
        return left;
    }

    // any = term { OR term }
    Expression Any()
    {
        var left = Term();
        while (IsWord("OR"))
        {
            at++;
            left = Expression.OrElse(left, Term());
        }
        return left;
    }

    // term = [NOT | -] ( "(" expression ")" | restriction )
    Expression Term()
    {
        var not = false;
        while (IsWord("NOT") || Next is { Kind: FilterTokenKind.Word, Text: "-" })
        {
            not = !not;
            at++;
        }
        Expression inner;
        if (Next.Kind == FilterTokenKind.Open)
        {
            at++;
            inner = All();
            if (Next.Kind != FilterTokenKind.Close) throw Unexpected("')'");
            at++;
        }
        else inner = Restriction();
        return not ? Expression.Not(inner) : inner;
    }

    Expression Restriction()
    {
        if (Next.Kind != FilterTokenKind.Word) throw Unexpected("a field");
        var field = tokens[at++];
        if (Next.Kind != FilterTokenKind.Operator) throw Unexpected($"a comparison after '{field.Text}'");
        var op = tokens[at++].Text;
        if (Next.Kind is not (FilterTokenKind.Word or FilterTokenKind.Quoted)) throw Unexpected("a value");
        var value = tokens[at++].Text;
        if (field.Text.StartsWith("labels.", StringComparison.Ordinal) && fields.LabelsColumn is { } labels)
            return LabelMatch(labels, field.Text["labels.".Length..], op, value);
        if (!fields.Fields.TryGetValue(field.Text, out var known))
            throw Fault.Invalid("filter", $"at {field.At}: there is no field '{field.Text}'; there are " +
                string.Join(", ", fields.Fields.Keys.Concat(fields.LabelsColumn is null ? [] : ["labels.KEY"])));
        var column = Replace(known.Value);
        if (column is UnaryExpression { NodeType: ExpressionType.Convert } convert) column = convert.Operand;
        return column.Type == typeof(string)
            ? TextMatch(column, op, value)
            : ValueMatch(column, op, known.Parse(value)
                ?? throw Fault.Invalid("filter", $"at {field.At}: '{value}' is not a value of '{field.Text}'"));
    }

    Expression LabelMatch(Expression<Func<TRow, string>> labels, string key, string op, string value)
    {
        var column = Replace(labels);
        if (op is not ("=" or "!=" or ":")) throw Fault.Invalid("filter", "labels are compared with =, != and :");
        var any = value == "*";
        var sought = any ? $"\"{key}\":" : Labels.Pair(key, value);
        var found = Call(column, nameof(string.Contains), sought);
        return op == "!=" ? Expression.Not(found) : found;
    }

    static Expression TextMatch(Expression column, string op, string value)
    {
        switch (op)
        {
            case ":":
                return Call(column, nameof(string.Contains), value.Trim('*'));
            case "=" or "!=":
                Expression match = (value.StartsWith('*'), value.Length > 1 && value.EndsWith('*')) switch
                {
                    (true, true) => Call(column, nameof(string.Contains), value[1..^1]),
                    (true, false) => EndsWith(column, value[1..]),
                    (false, true) => StartsWith(column, value[..^1]),
                    _ => Expression.Equal(column, Held(value)),
                };
                return op == "=" ? match : Expression.Not(match);
            default:
                var compare = typeof(string).GetMethod(nameof(string.Compare), [typeof(string), typeof(string)])!;
                return Compare(Expression.Call(compare, column, Held(value)), op, Expression.Constant(0));
        }
    }

    static Expression ValueMatch(Expression column, string op, object value)
    {
        var operand = Expression.Convert(Held(value), column.Type);
        if (op == ":") op = "=";
        if ((column.Type.IsEnum || column.Type == typeof(bool)) && op is not ("=" or "!="))
            throw Fault.Invalid("filter", "words are compared with = and !=");
        return Compare(column, op, operand);
    }

    static BinaryExpression Compare(Expression left, string op, Expression right) => op switch
    {
        "=" => Expression.Equal(left, right),
        "!=" => Expression.NotEqual(left, right),
        "<" => Expression.LessThan(left, right),
        "<=" => Expression.LessThanOrEqual(left, right),
        ">" => Expression.GreaterThan(left, right),
        _ => Expression.GreaterThanOrEqual(left, right),
    };

    static MethodCallExpression Call(Expression column, string method, string argument) =>
        Expression.Call(column, typeof(string).GetMethod(method, [typeof(string)])!, Held(argument));

    // Parts are cut out and compared. EF makes LIKE of StartsWith and EndsWith, and SQLite's LIKE takes a for A.
    static BinaryExpression StartsWith(Expression column, string start) =>
        Cut(column, start, (_, _) => Expression.Constant(0));

    static BinaryExpression EndsWith(Expression column, string end) => Cut(column, end, Expression.Subtract);

    static BinaryExpression Cut(Expression column, string part, Func<Expression, Expression, Expression> from)
    {
        var length = Expression.Property(column, nameof(string.Length));
        // Databases count code points.
        var size = Expression.Constant(part.EnumerateRunes().Count());
        var substring = typeof(string).GetMethod(nameof(string.Substring), [typeof(int), typeof(int)])!;
        return Expression.AndAlso(Expression.GreaterThanOrEqual(length, size),
            Expression.Equal(Expression.Call(column, substring, from(length, size), size), Held(part)));
    }

    // A member access and not a constant, so that EF makes it a parameter and caches the query.
    static MemberExpression Held(object value) =>
        value is string text
            ? Expression.Property(Expression.Constant(new Box<string>(text)), nameof(Box<string>.Value))
            : Expression.Property(Expression.Constant(new Box<object>(value)), nameof(Box<object>.Value));

    Expression Replace(LambdaExpression lambda) => new Swap(lambda.Parameters[0], row).Visit(lambda.Body);

    bool IsWord(string word) => Next.Kind == FilterTokenKind.Word && Next.Text == word;

    Fault Unexpected(string wanted) => Fault.Invalid("filter", $"at {Next.At}: expected {wanted}, found '{Next.Text}'");

    internal sealed record Box<T>(T Value);

    sealed class Swap(ParameterExpression from, Expression to) : ExpressionVisitor
    {
        protected override Expression VisitParameter(ParameterExpression node) => node == from ? to : node;
    }
}
