using Grpc.Core;
using Monolith.Api.V1;
using Monolith.Compute.V1;
using Monolith.Host.Tests.Cloud;
using Monolith.Identity.V1;
using Monolith.Image.V1;
using static Monolith.Image.V1.Image.Types;

namespace Monolith.Host.Tests.Images;

public sealed class VisibilityTests(RunningHost host)
{
    // Nobody makes images in here.
    const string Viewer = "projects/viewer";
    const string Name = "projects/other/images/shared";

    readonly ImageService.ImageServiceClient images = new(host.Invoker);

    /// <summary>A list that is kept by a watch is the list.</summary>
    [Fact]
    public async Task AWatch_IsOfTheImagesThatTheListHas_WhoseverTheyAre()
    {
        await new ProjectService.ProjectServiceClient(host.Invoker).CreateProjectAsync(
            new() { ProjectId = "viewer" }, host.Headers());
        var viewer = host.Headers(await host.UserAsync("viewer", ("roles/reader", Viewer)));
        using var watch = images.WatchImages(new() { Parent = Viewer }, viewer, DateTime.UtcNow.AddMinutes(2));
        var heard = new HashSet<string>();
        await UntilAsync(ChangeType.InSync);
        Assert.Equal(await ListedAsync(), heard.Order());

        await host.Other.UploadAsync(host, "shared", new byte[4096]);
        foreach (var (visibility, sharers, hidden, change) in new (Visibility, string[], bool, ChangeType)[]
        {
            (Visibility.Public, [], false, ChangeType.Added), (Visibility.Public, [], false, ChangeType.Modified),
            (Visibility.Private, [], false, ChangeType.Removed), (Visibility.Public, [], false, ChangeType.Added),
            (Visibility.Public, [], true, ChangeType.Removed), (Visibility.Public, [], false, ChangeType.Added),
            (Visibility.Shared, [Viewer, "projects/own"], false, ChangeType.Modified),
            (Visibility.Shared, ["projects/own"], false, ChangeType.Removed),
            (Visibility.Shared, [Viewer], false, ChangeType.Added), (Visibility.Shared, [Viewer], true, ChangeType.Removed),
            (Visibility.Public, [Viewer], false, ChangeType.Added),
        })
        {
            await images.UpdateImageAsync(new()
            {
                Image = new()
                {
                    Name = Name,
                    Visibility = visibility,
                    SharedWith = { sharers },
                    Hidden = hidden,
                    DisplayName = change == ChangeType.Removed ? "unseen" : "seen",
                },
                UpdateMask = new() { Paths = { "visibility", "shared_with", "hidden", "display_name" } },
            }, host.Headers());
            // Nothing was heard of what was out of sight, or this would not be the next.
            var seen = await UntilAsync(change);
            Assert.Equal(("seen", false), (seen!.DisplayName, seen.Hidden));
            // With whom else it is shared is not told.
            Assert.All(seen.SharedWith, p => Assert.Equal(Viewer, p));
            Assert.Equal(await ListedAsync(), heard.Order());
        }
        await images.DeleteImageAsync(new() { Name = Name }, host.Headers());
        await UntilAsync(ChangeType.Removed);
        Assert.Equal(await ListedAsync(), heard.Order());

        async Task<Image.V1.Image?> UntilAsync(ChangeType expected)
        {
            while (await watch.ResponseStream.MoveNext(TestContext.Current.CancellationToken))
            {
                var message = watch.ResponseStream.Current;
                if (message.Change == ChangeType.Removed) heard.Remove(message.Image.Name);
                else if (message.Image is { } image) heard.Add(image.Name);
                if (message.Change == expected && (message.Image is null || message.Image.Name == Name)) return message.Image;
                Assert.NotEqual(Name, message.Image?.Name);
            }
            throw new EndOfStreamException();
        }

        async Task<IEnumerable<string>> ListedAsync() => (await images.ListImagesAsync(
            new() { Parent = Viewer, PageSize = 1000 }, viewer)).Images.Select(i => i.Name);
    }

    [Fact]
    public async Task AHiddenImage_IsSeenByAWatchThatNamesIt()
    {
        const string Hidden = "projects/own/images/hidden";
        await host.Own.UploadAsync(host, "hidden", new byte[4096]);
        await HideAsync(true);
        using var watch = images.WatchImages(
            new() { Parent = "projects/own", Name = Hidden }, host.Headers(host.OwnersToken), DateTime.UtcNow.AddMinutes(2));
        Assert.Equal((ChangeType.Added, true), await NextAsync());
        Assert.Equal((ChangeType.InSync, null), await NextAsync());
        foreach (var hidden in new[] { false, true })
        {
            await HideAsync(hidden);
            Assert.Equal((ChangeType.Modified, hidden), await NextAsync());
        }
        await images.DeleteImageAsync(new() { Name = Hidden }, host.Headers());
        Assert.Equal((ChangeType.Removed, true), await NextAsync());

        Task HideAsync(bool hidden) => images.UpdateImageAsync(new()
        {
            Image = new() { Name = Hidden, Hidden = hidden },
            UpdateMask = new() { Paths = { "hidden" } },
        }, host.Headers()).ResponseAsync;

        async Task<(ChangeType, bool?)> NextAsync()
        {
            Assert.True(await watch.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
            return (watch.ResponseStream.Current.Change, watch.ResponseStream.Current.Image?.Hidden);
        }
    }

    /// <summary>Lists, single images, downloads and servers agree on who may see and use an image.</summary>
    [Fact]
    public async Task AnImage_IsForWhomItIsSharedWith()
    {
        const string Shared = "projects/other/images/lent";
        const string Family = "projects/other/imageFamilies/lent";
        await host.Other.UploadAsync(host, "lent", [.. Enumerable.Repeat((byte)5, 4096)]);
        var owner = host.Headers(host.OwnersToken);
        var absent = await AnswersAsync("projects/other/images/absent");
        Assert.Equal(["NotFound", "NotFound", "InvalidArgument"], absent.Select(a => a.Split(' ')[0]));
        await SetAsync(Visibility.Private);
        Assert.Equal(absent, await AnswersAsync(Shared));
        Assert.False(await IsListedAsync());

        foreach (var visibility in new[] { Visibility.Shared, Visibility.Public })
        {
            await SetAsync(visibility, "projects/viewers", "projects/own");
            Assert.Equal(["OK", "OK", "OK"], await AnswersAsync(Shared));
            Assert.True(await IsListedAsync());
            Assert.Equal(["projects/own"], (await images.GetImageAsync(new() { Name = Shared }, owner)).SharedWith);
            Assert.Equal(Shared, (await TryAsync(Family)).Image);
        }
        // Seen is not owned.
        var e = await Assert.ThrowsAsync<RpcException>(() =>
            images.DeleteImageAsync(new() { Name = Shared }, owner).ResponseAsync);
        Assert.Equal(StatusCode.NotFound, e.StatusCode);

        await SetAsync(Visibility.Shared, "projects/viewers");
        Assert.Equal(absent, await AnswersAsync(Shared));
        Assert.False(await IsListedAsync());
        await images.DeleteImageAsync(new() { Name = Shared }, host.Headers());

        Task SetAsync(Visibility visibility, params string[] projects) => images.UpdateImageAsync(new()
        {
            Image = new() { Name = Shared, Visibility = visibility, SharedWith = { projects }, Family = "lent" },
            UpdateMask = new() { Paths = { "visibility", "shared_with", "family" } },
        }, host.Headers()).ResponseAsync;

        async Task<bool> IsListedAsync() => (await images.ListImagesAsync(
            new() { Parent = "projects/own", PageSize = 1000 }, owner)).Images.Any(i => i.Name == Shared);

        // What the administrator of another project hears of get, download and a server.
        async Task<string[]> AnswersAsync(string name) =>
        [
            await AnswerAsync(() => images.GetImageAsync(new() { Name = name }, owner).ResponseAsync),
            await AnswerAsync(async () =>
            {
                using var call = images.DownloadImage(new() { Name = name }, owner);
                var bytes = 0;
                while (await call.ResponseStream.MoveNext(TestContext.Current.CancellationToken))
                    bytes += call.ResponseStream.Current.Chunk.Length;
                Assert.Equal(4096, bytes);
            }),
            await AnswerAsync(() => TryAsync(name)),
        ];

        async Task<string> AnswerAsync(Func<Task> call)
        {
            try
            {
                await call();
                return "OK";
            }
            catch (RpcException refusal)
            {
                return $"{refusal.StatusCode} {refusal.Status.Detail.Replace("absent", "lent", StringComparison.Ordinal)}";
            }
        }

        Task<Server> TryAsync(string image) => new ServerService.ServerServiceClient(host.Invoker).CreateServerAsync(new()
        {
            Parent = "projects/own",
            ServerId = "borrower",
            ValidateOnly = true,
            Server = new()
            {
                Flavor = "flavors/small",
                Image = image,
                Networks = { new ServerNetwork { Network = "projects/own/networks/r1" } },
            },
        }, owner).ResponseAsync;
    }
}
