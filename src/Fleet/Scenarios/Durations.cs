using System.Globalization;
using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.Serialization;

namespace Monolith.Fleet.Scenarios;

/// <summary><c>300 ms</c>, <c>2.5 s</c>, <c>10 min</c>, <c>400 d</c>.</summary>
internal sealed partial class Durations : IYamlTypeConverter
{
    public bool Accepts(Type type) => type == typeof(TimeSpan);

    public object ReadYaml(IParser parser, Type type, ObjectDeserializer rootDeserializer)
    {
        var scalar = parser.Consume<Scalar>();
        try
        {
            return Parse(scalar.Value);
        }
        catch (FormatException e)
        {
            throw new YamlException(scalar.Start, scalar.End, e.Message);
        }
    }

    /// <exception cref="FormatException">With examples.</exception>
    public static TimeSpan Parse(string text)
    {
        var match = Form().Match(text);
        if (!match.Success)
            throw new FormatException($"'{text}' is no duration, such as 300 ms, 2 s, 10 min, 1 h, 400 d");
        var value = double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);
        return match.Groups[2].Value switch
        {
            "ms" => TimeSpan.FromMilliseconds(value),
            "s" => TimeSpan.FromSeconds(value),
            "min" => TimeSpan.FromMinutes(value),
            "h" => TimeSpan.FromHours(value),
            _ => TimeSpan.FromDays(value),
        };
    }

    public void WriteYaml(IEmitter emitter, object? value, Type type, ObjectSerializer serializer) =>
        throw new NotSupportedException();

    [GeneratedRegex(@"^(\d+(?:\.\d+)?) ?(ms|s|min|h|d)$")]
    private static partial Regex Form();
}
