using Google.Protobuf.WellKnownTypes;
using Monolith.Identity.V1;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Groups;

/// <summary>Who gets roles together.</summary>
internal sealed class GroupRow : ResourceRow
{
    /// <summary>Names in order, with a blank before and behind each; empty: nobody. Read and written as a whole, and with the
    /// row's etag: there is no half of a change.</summary>
    public string Members { get; set; } = "";

    public IReadOnlyList<string> MemberList => Members.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    public static string Store(IEnumerable<string> members)
    {
        var all = members.Distinct().Order(StringComparer.Ordinal).ToList();
        return all.Count == 0 ? "" : $" {string.Join(' ', all)} ";
    }

    /// <summary>Of which such text is a part.</summary>
    public static string Sought(string member) => $" {member} ";

    public Group ToProto() => new()
    {
        Name = Name,
        Uid = Uid.ToString(),
        Etag = Etag,
        DisplayName = DisplayName,
        Members = { MemberList },
        CreateTime = CreateTime.ToTimestamp(),
        UpdateTime = UpdateTime.ToTimestamp(),
    };
}
