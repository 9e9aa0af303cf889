using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Compute.V1;
using Monolith.Image;
using Monolith.Image.Contracts;
using Monolith.Image.Images;
using Monolith.Image.V1;
using Monolith.Modules.Tests.Calls;
using Monolith.Modules.Tests.Quotas;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Storage;
using static Monolith.Image.V1.Image.Types;
using ImageService = Monolith.Image.Images.ImageService;

namespace Monolith.Modules.Tests.Images;

/// <summary>Which image a name stands for, who sees it, and what is said against it.</summary>
public sealed class ImageTests
{
    const string Debian = "projects/demo/imageFamilies/debian";
    static readonly DateTime Noon = new(2026, 1, 1, 12, 0, 0, DateTimeKind.Utc);

    static ImageRow Row(string project, string id, int minute = 0) => new()
    {
        Name = $"projects/{project}/images/{id}",
        Project = project,
        Sha256 = new string('0', 64),
        SizeBytes = 4096,
        Family = "debian",
        Visibility = Visibility.Private,
        CreateTime = Noon.AddMinutes(minute),
        UpdateTime = Noon.AddMinutes(minute),
    };

    static Task AddAsync(QuotaHost host, params ImageRow[] rows) => host.Get<Store<ImageDb>>().WriteAsync(
        Call.Of("test"), unit =>
        {
            unit.Db.Images.AddRange(rows);
            return Task.CompletedTask;
        }, default);

    static async Task<string?> FindAsync(QuotaHost host, string project, string name) =>
        (await host.Get<IImages>().FindAsync(project, name, default))?.Name;

    static Task<Image.V1.Image> UpdateAsync(QuotaHost host, Image.V1.Image image) =>
        host.Make<ImageService>().UpdateImage(new UpdateImageRequest { Image = image }, QuotaHost.Admin);

    static CreateServerRequest Server(string id, string image)
    {
        var request = QuotaHost.Server(id);
        request.Server.Image = image;
        return request;
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AFamily_IsItsNewestImage_ThatIsNeitherDeprecatedNorHidden(string provider)
    {
        await using var host = await QuotaHost.StartAsync(provider);
        await host.ProjectAsync("far");
        Assert.Null(await FindAsync(host, "demo", Debian));
        var other = Row("demo", "other", 9);
        other.Family = "debian-slim";
        // The names are in another order than the times.
        await AddAsync(host, Row("demo", "c", 1), Row("demo", "b", 2), Row("demo", "a", 3), other, Row("far", "d", 8));
        Assert.Equal("projects/demo/images/a", await FindAsync(host, "demo", Debian));

        await UpdateAsync(host, new() { Name = "projects/demo/images/a", Deprecation = Deprecation.Deprecated });
        Assert.Equal("projects/demo/images/b", await FindAsync(host, "demo", Debian));
        await UpdateAsync(host, new() { Name = "projects/demo/images/b", Hidden = true });
        Assert.Equal("projects/demo/images/c", await FindAsync(host, "demo", Debian));
        // Who names one gets it.
        Assert.Equal("projects/demo/images/b", await FindAsync(host, "demo", "projects/demo/images/b"));
        await UpdateAsync(host, new() { Name = "projects/demo/images/a", Deprecation = Deprecation.None });
        Assert.Equal("projects/demo/images/a", await FindAsync(host, "demo", Debian));
        await UpdateAsync(host, new() { Name = "projects/demo/images/a", Family = "debian-slim" });
        Assert.Equal("projects/demo/images/c", await FindAsync(host, "demo", Debian));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AFamily_OfAnotherProject_IsItsNewestImage_ThatMayBeUsed(string provider)
    {
        await using var host = await QuotaHost.StartAsync(provider);
        await host.ProjectAsync("far");
        await AddAsync(host, Row("demo", "a", 1), Row("demo", "b", 2), Row("demo", "c", 3));
        Assert.Null(await FindAsync(host, "far", Debian));
        await UpdateAsync(host, new() { Name = "projects/demo/images/a", Visibility = Visibility.Public });
        Assert.Equal("projects/demo/images/a", await FindAsync(host, "far", Debian));
        await UpdateAsync(host, new()
        {
            Name = "projects/demo/images/b",
            Visibility = Visibility.Shared,
            SharedWith = { "projects/farther", "projects/far" },
        });
        Assert.Equal("projects/demo/images/b", await FindAsync(host, "far", Debian));
        // Whose name is part of another's is another.
        Assert.Equal("projects/demo/images/a", await FindAsync(host, "fa", Debian));
        Assert.Equal("projects/demo/images/c", await FindAsync(host, "demo", Debian));
    }

    /// <summary>The database and the watches are told by two pieces of code who sees an image.</summary>
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task WhoSeesAnImage_IsTheSame_ForRowsAndForMessages(string provider)
    {
        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper!.WriteLine($"seed {seed}");
        var random = new Random(seed);
        string[] projects = ["a", "ab", "b", "demo"];
        string[] Some() => [.. projects.Where(_ => random.Next(2) == 0)];
        await using var host = await QuotaHost.StartAsync(provider);
        foreach (var project in projects[..3]) await host.ProjectAsync(project);
        var rows = Enumerable.Range(0, 60).Select(i =>
        {
            var row = Row(projects[random.Next(projects.Length)], $"i{i}");
            row.Visibility = (Visibility)random.Next(1, 4);
            row.SharedWith = Sharing.Store(Some().Select(p => "projects/" + p));
            return row;
        }).ToArray();
        await AddAsync(host, rows);
        foreach (var looking in Enumerable.Range(0, 12).Select(_ => (IReadOnlyList<string>?)Some()).Append(null))
        {
            var sight = new Sight(looking);
            var found = await host.Get<Store<ImageDb>>().ReadAsync(db => db.Images.Where(i => i.Family == "debian")
                .Where(sight.Rows()).Select(i => i.Name).ToListAsync());
            Assert.Equal(rows.Where(r => sight.Sees(r.ToProto())).Select(r => r.Name).Order(StringComparer.Ordinal),
                found.Order(StringComparer.Ordinal));
            foreach (var image in rows.Select(r => r.ToProto()).Where(sight.Sees))
                Assert.Equal(looking is null || sight.Owns(image.Name)
                    ? image.SharedWith
                    : image.SharedWith.Where(p => looking.Contains(p["projects/".Length..])), sight.Shown(image).SharedWith);
        }
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AServer_OfAFamily_HasTheImageThatWasTheNewest(string provider)
    {
        await using var host = await QuotaHost.StartAsync(provider);
        await AddAsync(host, Row("demo", "old", 1), Row("demo", "new", 2));
        var server = await host.Servers.CreateServer(Server("web", Debian), QuotaHost.Admin);
        Assert.Equal(("projects/demo/images/new", ""), (server.Image, server.ImageWarning));
        await AddAsync(host, Row("demo", "newer", 3));
        server = await host.Servers.GetServer(new GetServerRequest { Name = server.Name }, QuotaHost.Admin);
        Assert.Equal("projects/demo/images/new", server.Image);
        server = await host.Servers.RebuildServer(
            new RebuildServerRequest { Name = server.Name, Image = Debian }, QuotaHost.Admin);
        Assert.Equal("projects/demo/images/newer", server.Image);

        var fault = await Assert.ThrowsAsync<Fault>(() => host.Servers.CreateServer(
            Server("none", "projects/demo/imageFamilies/none"), QuotaHost.Admin));
        var found = Assert.Single(fault.Fields);
        Assert.Equal(("server.image", "projects/demo/imageFamilies/none has no image that you may use and that is not deprecated"),
            (found.Field, found.Description));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AServer_OfADeprecatedImage_SaysSo_AndOfAnObsoleteOneThereIsNone(string provider)
    {
        const string Old = "projects/demo/images/old";
        await using var host = await QuotaHost.StartAsync(provider);
        await AddAsync(host, Row("demo", "old", 1), Row("demo", "new", 2));
        await UpdateAsync(host, new()
        {
            Name = Old,
            Deprecation = Deprecation.Deprecated,
            DeprecationMessage = "its kernel leaks",
            Replacement = Debian,
        });
        var server = await host.Servers.CreateServer(Server("web", Old), QuotaHost.Admin);
        Assert.Equal($"{Old} is deprecated: its kernel leaks. Use {Debian} instead.", server.ImageWarning);
        Assert.Equal(server.ImageWarning, (await host.Servers.CreateServer(
            Server("if", Old), new FakeCall())).ImageWarning);

        await UpdateAsync(host, new() { Name = Old, Deprecation = Deprecation.Obsolete });
        var words = $"{Old} is obsolete: its kernel leaks. Use {Debian} instead.";
        var fault = await Assert.ThrowsAsync<Fault>(() => host.Servers.CreateServer(Server("late", Old), QuotaHost.Admin));
        Assert.Equal(StatusCode.InvalidArgument, fault.Code);
        Assert.Equal(words, Assert.Single(fault.Fields).Description);

        // What is made of it may be made of it again, and from something better. There is no way back.
        server = await host.Servers.RebuildServer(new RebuildServerRequest { Name = server.Name }, QuotaHost.Admin);
        Assert.Equal((Old, words), (server.Image, server.ImageWarning));
        server = await host.Servers.RebuildServer(
            new RebuildServerRequest { Name = server.Name, Image = Debian }, QuotaHost.Admin);
        Assert.Equal(("projects/demo/images/new", ""), (server.Image, server.ImageWarning));
        fault = await Assert.ThrowsAsync<Fault>(() => host.Servers.RebuildServer(
            new RebuildServerRequest { Name = server.Name, Image = Old }, QuotaHost.Admin));
        Assert.Equal(words, Assert.Single(fault.Fields).Description);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AnImage_ThatIsNotThereYet_MakesNoServer_AndIsNotTheNewest(string provider)
    {
        const string Coming = "projects/demo/images/coming";
        await using var host = await QuotaHost.StartAsync(provider);
        var (coming, failed) = (Row("demo", "coming", 2), Row("demo", "failed", 3));
        (coming.State, coming.Sha256, failed.State, failed.Sha256) = (State.Importing, "", State.Failed, "");
        await AddAsync(host, Row("demo", "there", 1), coming, failed);
        Assert.Equal("projects/demo/images/there", await FindAsync(host, "demo", Debian));
        foreach (var (image, words) in new[]
        {
            (Coming, $"{Coming} is being imported; wait until it is READY"),
            ("projects/demo/images/failed", "the import of projects/demo/images/failed failed; its conditions say why"),
        })
        {
            var fault = await Assert.ThrowsAsync<Fault>(() => host.Servers.CreateServer(Server("web", image), QuotaHost.Admin));
            Assert.Equal(("server.image", words), (Assert.Single(fault.Fields).Field, fault.Fields[0].Description));
        }
        var server = await host.Servers.CreateServer(Server("web", Debian), QuotaHost.Admin);
        var refused = await Assert.ThrowsAsync<Fault>(() => host.Servers.RebuildServer(
            new RebuildServerRequest { Name = server.Name, Image = Coming }, QuotaHost.Admin));
        Assert.Contains("is being imported", Assert.Single(refused.Fields).Description, StringComparison.Ordinal);
    }

    /// <summary>A URL may hold a key.</summary>
    [Fact]
    public void WhereAnImageIsFrom_OnlyItsProjectSees()
    {
        var row = Row("demo", "web");
        row.Visibility = Visibility.Public;
        row.WriteOrigin(new() { Import = new() { Url = "https://images.example.com/web?signature=1" }, SourceSha256 = "ab" });
        Assert.Contains("signature", Sight.Of("demo").Shown(row.ToProto()).Import.Url, StringComparison.Ordinal);
        var shown = Sight.Of("far").Shown(row.ToProto());
        Assert.Null(shown.Import);
        Assert.Equal("ab", shown.SourceSha256);
    }

    [Theory]
    [InlineData(Deprecation.None, "why", "projects/p/images/b", "")]
    [InlineData(Deprecation.Deprecated, "", "", "I is deprecated.")]
    [InlineData(Deprecation.Deprecated, "It is old.", "", "I is deprecated: It is old.")]
    [InlineData(Deprecation.Obsolete, "", "projects/p/images/b", "I is obsolete. Use projects/p/images/b instead.")]
    public void Warning_SaysWhy_AndWhatToUseInstead(Deprecation deprecation, string message, string replacement, string words) =>
        Assert.Equal(words, ImageRules.Warning("I", deprecation, message, replacement));

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AHiddenImage_IsListed_WhenTheFilterNamesIt(string provider)
    {
        await using var host = await QuotaHost.StartAsync(provider);
        await AddAsync(host, Row("demo", "seen"), Row("demo", "unseen"));
        await UpdateAsync(host, new() { Name = "projects/demo/images/unseen", Hidden = true });

        async Task<string[]> ListedAsync(string filter, string parent = "projects/demo") => [.. (await host.Make<ImageService>()
            .ListImages(new ListImagesRequest { Parent = parent, Filter = filter }, QuotaHost.Admin))
            .Images.Select(i => i.Name["projects/demo/images/".Length..])];

        Assert.Equal(["blank", "seen"], await ListedAsync(""));
        Assert.Equal(["blank", "seen"], await ListedAsync("", "projects/-"));
        Assert.Equal(["seen"], await ListedAsync("family = debian"));
        Assert.Equal(["unseen"], await ListedAsync("hidden = true"));
        Assert.Equal(["seen", "unseen"], await ListedAsync("family = debian AND (hidden = true OR hidden = false)"));
        // As a value, the word asks for nothing.
        Assert.Empty(await ListedAsync("display_name = hidden"));
        Assert.Equal("projects/demo/images/unseen", (await host.Make<ImageService>().GetImage(
            new GetImageRequest { Name = "projects/demo/images/unseen" }, QuotaHost.Admin)).Name);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AProtectedImage_IsDeleted_OnceItIsNoLonger(string provider)
    {
        const string Name = "projects/demo/images/kept";
        await using var host = await QuotaHost.StartAsync(provider);
        await AddAsync(host, Row("demo", "kept"));
        Assert.True((await UpdateAsync(host, new() { Name = Name, DeleteProtected = true })).DeleteProtected);
        var images = host.Make<ImageService>();
        foreach (var trial in new[] { true, false })
        {
            var fault = await Assert.ThrowsAsync<Fault>(() => images.DeleteImage(
                new DeleteImageRequest { Name = Name, ValidateOnly = trial }, QuotaHost.Admin));
            Assert.Equal((StatusCode.FailedPrecondition, "DELETE_PROTECTED"), (fault.Code, fault.Reason));
        }
        Assert.Equal(Name, await FindAsync(host, "demo", Name));
        await images.UpdateImage(new UpdateImageRequest
        {
            Image = new() { Name = Name },
            UpdateMask = new() { Paths = { "delete_protected" } },
        }, QuotaHost.Admin);
        await images.DeleteImage(new DeleteImageRequest { Name = Name }, QuotaHost.Admin);
        Assert.Null(await FindAsync(host, "demo", Name));
    }

    [Fact]
    public void ABadImage_IsToldAllThatIsWrongWithIt()
    {
        var image = new Image.V1.Image
        {
            Family = "Not Good",
            Visibility = (Visibility)9,
            Deprecation = (Deprecation)9,
            Replacement = "debian",
            DeprecationMessage = new string('x', 256),
            SharedWith = { "projects/fine", "fine", "projects/-", "projects/a,b" },
        };
        image.SharedWith.AddRange(Enumerable.Range(0, 97).Select(i => $"projects/p{i}"));
        var violations = new Violations();
        ImageRules.Check(image, "image", violations);
        Assert.Equal(
        [
            "image.family", "image.visibility", "image.deprecation", "image.replacement", "image.deprecation_message",
            "image.shared_with", "image.shared_with[1]", "image.shared_with[2]", "image.shared_with[3]",
        ], violations.Found.Select(f => f.Field));
    }
}
