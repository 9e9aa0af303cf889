using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace Monolith.Platform.Faults;

/// <summary>Gathers every violation of a request, so that the caller is told all at once.</summary>
public sealed partial class Violations
{
    readonly List<FieldViolation> found = [];

    public bool Any => found.Count > 0;

    /// <summary>For callers that hand violations on instead of throwing them.</summary>
    public IReadOnlyList<FieldViolation> Found => found;

    public void Add(string field, string description) => found.Add(new(field, description));

    /// <summary>Adds the violation unless the fact holds; returns the fact.</summary>
    public bool Require([DoesNotReturnIf(false)] bool holds, string field, string description)
    {
        if (!holds) Add(field, description);
        return holds;
    }

    /// <summary>The last part of a resource's name that the caller chooses (RFC 1123 label, a letter first).</summary>
    public void Id(string field, string value) => Require(IsId(value), field,
        "must be 1 to 63 lower-case letters, digits and hyphens, start with a letter and not end with a hyphen");

    /// <summary>AIP-155.</summary>
    public void RequestId(string field, string value) => Require(value.Length == 0 || Guid.TryParse(value, out _), field,
        "must be a UUID, or empty");

    public void DisplayName(string field, string value) => Require(
        value.Length <= 63 && !value.Any(char.IsControl), field,
        "must have at most 63 characters and no control characters");

    public void Labels(string field, IEnumerable<KeyValuePair<string, string>> labels)
    {
        var count = 0;
        foreach (var (key, value) in labels)
        {
            count++;
            Require(LabelKeyPattern().IsMatch(key), $"{field}[{key}]",
                "a key must have 1 to 63 lower-case letters, digits, '.', '_', '/' and '-', and start with a letter");
            Require(value.Length <= 255 && !value.Any(c => char.IsControl(c) || c is '"' or '\\'), $"{field}[{key}]",
                "a value must have at most 255 characters and no control characters, quotes or backslashes");
        }
        Require(count <= 64, field, "must have at most 64 pairs");
    }

    /// <summary>The key of a label, or nothing.</summary>
    public void LabelKey(string field, string value) => Require(value.Length == 0 || LabelKeyPattern().IsMatch(value), field,
        "must be a label's key: 1 to 63 lower-case letters, digits, '.', '_', '/' and '-', starting with a letter");

    /// <summary>A set of words, each as <see cref="Id"/>.</summary>
    public void Words(string field, IReadOnlyList<string> words, int most)
    {
        for (var i = 0; i < words.Count; i++) Id($"{field}[{i}]", words[i]);
        Require(words.Count <= most, field, $"must be at most {most}");
    }

    /// <exception cref="Fault">INVALID_ARGUMENT with every violation, when there is one.</exception>
    public void ThrowIfAny()
    {
        if (Any) throw Fault.Invalid(found);
    }

    public static bool IsId(string value) => IdPattern().IsMatch(value);

    [GeneratedRegex(@"\A[a-z]([a-z0-9-]{0,61}[a-z0-9])?\z")]
    private static partial Regex IdPattern();

    [GeneratedRegex(@"\A[a-z][a-z0-9._/-]{0,62}\z")]
    private static partial Regex LabelKeyPattern();
}
