using System.Globalization;
using YamlDotNet.RepresentationModel;

namespace Monolith.Fleet.Scenarios;

/// <summary>Where in a file a thing is, for people who have to mend it.</summary>
internal static class Lines
{
    /// <param name="path">Keys and indices from 0, with dots: <c>steps.2</c>.</param>
    /// <returns>The line of the deepest part of the path that the file has, from 1.</returns>
    public static long Of(string yaml, string path)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(yaml));
        if (stream.Documents.Count == 0) return 1;
        var node = stream.Documents[0].RootNode;
        var line = node.Start.Line;
        foreach (var word in path.Split('.'))
        {
            if (node is YamlMappingNode mapping)
            {
                var key = mapping.Children.Keys.FirstOrDefault(k => (k as YamlScalarNode)?.Value == word);
                if (key is null) return line;
                (line, node) = (key.Start.Line, mapping.Children[key]);
            }
            else if (node is YamlSequenceNode list
                && int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
                && index < list.Children.Count)
                (line, node) = (list.Children[index].Start.Line, list.Children[index]);
            else return line;
        }
        return line;
    }
}
