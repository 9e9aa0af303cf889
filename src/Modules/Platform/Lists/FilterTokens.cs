using System.Text;
using Monolith.Platform.Faults;

namespace Monolith.Platform.Lists;

internal enum FilterTokenKind { Word, Quoted, Operator, Open, Close, End }

internal readonly record struct FilterToken(FilterTokenKind Kind, string Text, int At);

/// <summary>The lexer of filters.</summary>
internal static class FilterTokens
{
    public static List<FilterToken> Read(string filter)
    {
        var tokens = new List<FilterToken>();
        var i = 0;
        while (i < filter.Length)
        {
            var c = filter[i];
            if (char.IsWhiteSpace(c)) i++;
            else if (c is '(' or ')')
                tokens.Add(new(c == '(' ? FilterTokenKind.Open : FilterTokenKind.Close, c.ToString(), i++));
            else if (c is '"' or '\'') i = Quoted(filter, i, tokens);
            else if (c is '=' or '!' or '<' or '>' or ':') i = Operator(filter, i, tokens);
            else
            {
                var start = i;
                while (i < filter.Length && !char.IsWhiteSpace(filter[i]) && filter[i] is not
                    ('(' or ')' or '=' or '!' or '<' or '>' or ':' or '"' or '\'')) i++;
                tokens.Add(new(FilterTokenKind.Word, filter[start..i], start));
            }
        }
        tokens.Add(new(FilterTokenKind.End, "the end", filter.Length));
        return tokens;
    }

    static int Operator(string filter, int at, List<FilterToken> tokens)
    {
        var length = at + 1 < filter.Length && filter[at + 1] == '=' && filter[at] is '!' or '<' or '>' ? 2 : 1;
        var text = filter.Substring(at, length);
        if (text == "!") throw Fault.Invalid("filter", $"at {at}: '!' must be followed by '='");
        tokens.Add(new(FilterTokenKind.Operator, text, at));
        return at + length;
    }

    static int Quoted(string filter, int at, List<FilterToken> tokens)
    {
        var text = new StringBuilder();
        for (var i = at + 1; i < filter.Length; i++)
        {
            if (filter[i] == filter[at])
            {
                tokens.Add(new(FilterTokenKind.Quoted, text.ToString(), at));
                return i + 1;
            }
            if (filter[i] == '\\' && i + 1 < filter.Length) i++;
            text.Append(filter[i]);
        }
        throw Fault.Invalid("filter", $"at {at}: the quote is never closed");
    }
}
