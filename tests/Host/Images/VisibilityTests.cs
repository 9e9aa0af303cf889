using Grpc.Core;
using Monolith.Api.V1;
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
        foreach (var (visibility, change) in new[]
        {
            (Visibility.Public, ChangeType.Added), (Visibility.Public, ChangeType.Modified),
            (Visibility.Private, ChangeType.Removed), (Visibility.Public, ChangeType.Added),
        })
        {
            await images.UpdateImageAsync(new()
            {
                Image = new() { Name = Name, Visibility = visibility, DisplayName = $"{visibility} secret" },
            }, host.Headers());
            // Nothing was heard of what was private, or this would not be the next.
            var seen = await UntilAsync(change);
            Assert.Equal((Visibility.Public, "Public secret"), (seen!.Visibility, seen.DisplayName));
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
}
