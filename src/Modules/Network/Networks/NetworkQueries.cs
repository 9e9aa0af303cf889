using Microsoft.EntityFrameworkCore;
using Monolith.Platform.Storage;

namespace Monolith.Network.Networks;

/// <summary>What is asked of networks for every port.</summary>
internal static class NetworkQueries
{
    public static readonly Func<NetworkDb, string, string, Task<NetworkRow?>> InProject =
        Query.One((NetworkDb db, string project, string name) => db.Networks.AsNoTracking()
            .FirstOrDefault(n => n.Name == name && n.Project == project));

    public static readonly Func<NetworkDb, List<string>, Task<List<NetworkRow>>> Some =
        Query.Many((NetworkDb db, List<string> names) => db.Networks.Where(n => names.Contains(n.Name)));
}
