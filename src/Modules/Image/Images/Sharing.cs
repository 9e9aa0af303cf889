namespace Monolith.Image.Images;

/// <summary>
/// The projects that an image is shared with, as they are stored: <c>,a,b,</c> in order, so that "is it shared with a" is
/// a substring. Ids of projects have no commas.
/// </summary>
internal static class Sharing
{
    /// <param name="names"><c>projects/{project}</c></param>
    public static string Store(IEnumerable<string> names)
    {
        var ids = names.Select(n => n["projects/".Length..]).Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal).ToList();
        return ids.Count == 0 ? "" : $",{string.Join(',', ids)},";
    }

    public static string[] Read(string stored) => stored.Split(',', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>What is in a stored list when the project is.</summary>
    public static string Mark(string project) => $",{project},";
}
