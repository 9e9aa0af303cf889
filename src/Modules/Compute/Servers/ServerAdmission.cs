using Monolith.Compute.Flavors;
using Monolith.Compute.KeyPairs;
using Monolith.Compute.ServerGroups;
using Monolith.Compute.Servers.Ports;
using Monolith.Compute.V1;
using Monolith.Dns.Contracts;
using Monolith.Image.Contracts;
using Monolith.Network.Contracts;
using Monolith.Platform.Faults;
using Monolith.Platform.Names;
using Monolith.Platform.Quotas;
using Monolith.Platform.Secrets;
using Monolith.Platform.Storage;

namespace Monolith.Compute.Servers;

/// <summary>A request with everything that it refers to.</summary>
/// <param name="Exceeded">Quotas that its ports would exceed.</param>
/// <param name="UserData">Sealed.</param>
internal sealed record AdmittedServer(FlavorRow Flavor, ImageFacts Image, ServerDetail Detail,
    IReadOnlyList<ExceededQuota> Exceeded, byte[] UserData)
{
    public ServerRow ToRow(CreateServerRequest request, string name, DateTime now)
    {
        var server = request.Server;
        return new ServerRow
        {
            Name = name,
            Project = ResourceName.ProjectOf(name)!,
            DisplayName = server.DisplayName,
            Labels = Labels.Store(server.Labels),
            Flavor = Flavor.Name,
            Vcpus = Flavor.Vcpus,
            MemoryMib = Flavor.MemoryMib,
            DiskGib = Flavor.DiskGib,
            Image = Image.Name,
            ImageSha256 = Image.Sha256,
            ImageSizeBytes = Image.SizeBytes,
            ImageFormat = Image.Format,
            Detail = Detail,
            UserData = UserData,
            Hostname = server.Hostname.Length > 0 ? server.Hostname : request.ServerId,
            ReadyTcpPort = server.ReadyProbe?.TcpPort ?? 0,
            ReadyTimeoutSeconds = (int)(server.ReadyProbe?.Timeout?.Seconds
                ?? (long)ServerRules.DefaultReadyTimeout.TotalSeconds),
            AvailabilityZone = server.AvailabilityZone,
            ServerGroup = server.ServerGroup.Length > 0 ? server.ServerGroup : null,
            DeleteProtected = server.DeleteProtected,
            LockReason = server.LockReason,
            UndeleteSeconds = (int)(server.UndeleteWindow?.Seconds ?? 0),
            State = Server.Types.State.Pending,
            OperationStart = now,
            CreateTime = now,
            UpdateTime = now,
        };
    }
}

/// <summary>Looks up what a request refers to, and says everything that is wrong with it at once.</summary>
internal sealed class ServerAdmission(Store<ComputeDb> store, IImages images, IPorts ports, INames names, ISecrets? secrets = null)
{
    static readonly Func<ComputeDb, string, Task<FlavorRow?>> FlavorByName =
        Query.One((ComputeDb db, string name) => db.Flavors.FirstOrDefault(f => f.Name == name));

    static readonly Func<ComputeDb, string, List<string>, Task<List<KeyPairRow>>> KeyPairs =
        Query.Many((ComputeDb db, string project, List<string> names) =>
            db.KeyPairs.Where(k => k.Project == project && names.Contains(k.Name)));

    /// <exception cref="Fault">INVALID_ARGUMENT with every violation.</exception>
    public async Task<AdmittedServer> AdmitAsync(CreateServerRequest request, string name, CancellationToken cancel)
    {
        var violations = new Violations();
        ServerRules.Check(request, violations);
        if (request.Server is null || ResourceName.ProjectOf(request.Parent) is not { } project)
        {
            violations.ThrowIfAny();
            throw Fault.Invalid("parent", "is required");
        }
        var server = request.Server;
        var keyNames = server.KeyPairs.Distinct().ToList();
        var (flavor, keys, grouped) = await store.ReadAsync(async db => (
            await FlavorByName(db, server.Flavor),
            keyNames.Count == 0 ? [] : await KeyPairs(db, project, keyNames),
            server.ServerGroup.Length == 0 || await Companies.Exists(db, server.ServerGroup)));
        violations.Require(grouped, "server.server_group", $"{server.ServerGroup} does not exist");
        if (server.Flavor.Length > 0)
            violations.Require(flavor is not null, "server.flavor", $"{server.Flavor} does not exist");
        for (var i = 0; i < server.KeyPairs.Count; i++)
            violations.Require(keys.Any(k => k.Name == server.KeyPairs[i]), $"server.key_pairs[{i}]",
                $"{server.KeyPairs[i]} does not exist");
        var image = server.Image.Length == 0 ? null : await images.FindAsync(project, server.Image, cancel);
        if (image is not null) RefuseUnusable(image, "server.image", violations);
        else if (server.Image.Length > 0) violations.Add("server.image", Missing(server.Image));
        if (flavor is not null && image is not null) Fit(flavor.Name, flavor.MemoryMib, flavor.DiskGib, image, "server.flavor", violations);
        var networks = server.Networks.Count > 0 ? [.. server.Networks] : new List<ServerNetwork> { new() };
        var claims = networks.Select((n, i) => new PortClaim(project, name, Guid.Empty, i, n.Network,
            [.. n.SecurityGroups], n.Address, server.Hostname, server.AvailabilityZone)).ToList();
        foreach (var found in await ports.CheckAsync(claims,
            [.. networks.Select((_, i) => server.Networks.Count > 0 ? $"server.networks[{i}]" : "server.networks")], cancel))
            violations.Add(found.Field, found.Description);
        if (Violations.IsId(request.ServerId)
            && await names.FindObstacleAsync(name, names.NameFor(project, request.ServerId), cancel) is { } taken)
            violations.Add("server_id", taken);
        violations.ThrowIfAny();
        return new AdmittedServer(flavor!, image!, new ServerDetail(
            [.. networks.Select(n => new NetworkChoice(n.Network, [.. n.SecurityGroups], n.Address))],
            [.. server.KeyPairs],
            [.. keyNames.Select(k => keys.Find(row => row.Name == k)!.PublicKey)],
            image!.MinMemoryMib, image.MinDiskGib, flavor!.RequiredTraits, flavor.ForbiddenTraits,
            flavor.Packs, image.Warning, new Dictionary<string, string>(server.Metadata))
        {
            KeepDisk = server.KeepDisk,
            MetadataDrive = server.MetadataDrive,
        }, await ports.ExceededAsync(claims, cancel), secrets.SealUserData(server.UserData.Span));
    }

    /// <summary>The image that a server is to be made anew from.</summary>
    /// <param name="image">Empty: the one that it has.</param>
    /// <exception cref="Fault">There is none, or it may not be used.</exception>
    public async Task<ImageFacts> ImageAsync(string server, string image, CancellationToken cancel)
    {
        if (image.Length == 0)
            image = await store.ReadAsync(async db =>
                (await ServerQueries.ByName(db, server) ?? throw Fault.NotFound(server)).Image);
        return await images.FindAsync(ResourceName.ProjectOf(server)!, image, cancel)
            ?? throw Fault.Invalid("image", Missing(image));
    }

    /// <summary>Gives a server another image.</summary>
    /// <exception cref="Fault">Its flavor is too small for it.</exception>
    public static void Refit(ServerRow row, ImageFacts image)
    {
        var violations = new Violations();
        Fit(row.Flavor, row.MemoryMib, row.DiskGib, image, "image", violations);
        // What it is made of already, it may be made of again.
        RefuseUnusable(image.Name == row.Image ? image with { Obsolete = false } : image, "image", violations);
        violations.ThrowIfAny();
        (row.Image, row.ImageSha256, row.ImageSizeBytes, row.ImageFormat) =
            (image.Name, image.Sha256, image.SizeBytes, image.Format);
        row.Detail = row.Detail with
        {
            LeastMemoryMib = image.MinMemoryMib,
            LeastDiskGib = image.MinDiskGib,
            ImageWarning = image.Warning,
        };
    }

    static string Missing(string image) => ResourceName.Match(ImageNames.Family, image) is null
        ? $"{image} does not exist, or you may not use it"
        : $"{image} has no image that you may use and that is not deprecated";

    static void RefuseUnusable(ImageFacts image, string field, Violations violations)
    {
        violations.Require(!image.Obsolete, field, image.Warning);
        violations.Require(image.Missing.Length == 0, field, image.Missing);
    }

    static void Fit(string flavor, int memoryMib, int diskGib, ImageFacts image, string field, Violations violations)
    {
        violations.Require(diskGib >= image.MinDiskGib, field,
            $"{flavor} has {diskGib} GiB of disk, but {image.Name} needs {image.MinDiskGib} GiB");
        violations.Require(memoryMib >= image.MinMemoryMib, field,
            $"{flavor} has {memoryMib} MiB of memory, but {image.Name} needs {image.MinMemoryMib} MiB");
        violations.Require((long)diskGib << 30 >= image.VirtualSizeBytes, field,
            $"{flavor} has {diskGib} GiB of disk, but the disk in {image.Name} is larger");
    }
}
