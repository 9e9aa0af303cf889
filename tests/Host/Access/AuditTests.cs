using Grpc.Core;
using Monolith.Compute.V1;
using Monolith.Events.V1;
using Monolith.Host.Access;
using Monolith.Host.Tests.Cloud;
using Monolith.Identity.V1;
using Monolith.Image.V1;

namespace Monolith.Host.Tests.Access;

/// <summary>Who did what, as it is kept.</summary>
public sealed class AuditTests(RunningHost host)
{
    readonly AuditService.AuditServiceClient audit = new(host.Invoker);
    readonly FlavorService.FlavorServiceClient flavors = new(host.Invoker);

    [Fact]
    public async Task WhatSomebodyDid_IsKept_WithWhoAndHowAndFromWhere()
    {
        var token = await host.UserAsync("audited", ("roles/admin", ""));
        var request = new CreateFlavorRequest
        {
            FlavorId = "audited",
            RequestId = Guid.NewGuid().ToString(),
            Flavor = new() { Vcpus = 1, MemoryMib = 64, DiskGib = 1 },
        };
        await flavors.CreateFlavorAsync(request, host.Headers(token));
        // It was answered already, and changes nothing.
        await flavors.CreateFlavorAsync(request, host.Headers(token));
        // It would change something, and is not to.
        await flavors.CreateFlavorAsync(
            new(request) { FlavorId = "audited-not", RequestId = "", ValidateOnly = true }, host.Headers(token));
        await Assert.ThrowsAsync<RpcException>(() => flavors.DeleteFlavorAsync(
            new() { Name = "flavors/none-such" }, host.Headers(token)).ResponseAsync);
        await flavors.ListFlavorsAsync(new(), host.Headers(token));

        var entries = await ByAsync("users/audited", 3);
        Assert.Equal([request.RequestId, request.RequestId, ""], entries.Select(e => e.RequestId));
        Assert.Equal(
            [("CreateFlavor", "flavors/audited", 0), ("CreateFlavor", "", 0), ("DeleteFlavor", "flavors/none-such", 5)],
            entries.Select(e => (e.Method[(e.Method.LastIndexOf('/') + 1)..], e.Resource, e.Code)));
        Assert.Equal(("monolith.compute.flavor.created", request.RequestId), (entries[0].EventType, entries[0].RequestId));
        Assert.Equal("", entries[1].EventType);
        Assert.All(entries, e =>
        {
            Assert.Equal("127.0.0.1", e.Peer);
            Assert.StartsWith("users/audited/tokens/", e.Credential, StringComparison.Ordinal);
            Assert.Matches("^[0-9a-f]{32}$", e.TraceId);
        });
        // The entry and the event are of one change.
        var events = await new EventService.EventServiceClient(host.Invoker).ListEventsAsync(
            new() { Filter = "resource = \"flavors/audited\"" }, host.Headers());
        Assert.Equal(entries[0].EventUid, Assert.Single(events.Events).Uid);
    }

    [Fact]
    public async Task WhoWasRefused_IsKept_AndWhoseProjectItIs_SeesThoseAloneWhoMayKnowOfIt()
    {
        var eve = await host.UserAsync("eve-outside", ("roles/member", "projects/other"));
        var reader = await host.UserAsync("reads-own", ("roles/reader", "projects/own"));
        var servers = new ServerService.ServerServiceClient(host.Invoker);
        foreach (var (token, code) in new[] { (eve, StatusCode.NotFound), (reader, StatusCode.PermissionDenied) })
            Assert.Equal(code, (await Assert.ThrowsAsync<RpcException>(() => servers.DeleteServerAsync(
                new() { Name = "projects/own/servers/not-yours" }, host.Headers(token)).ResponseAsync)).StatusCode);
        // What only looks, too.
        await Assert.ThrowsAsync<RpcException>(() => new UserService.UserServiceClient(host.Invoker).ListUsersAsync(
            new(), host.Headers(reader)).ResponseAsync);

        Assert.Equal(("", 5), One(await ByAsync("users/eve-outside", 1)));
        Assert.Equal([("projects/own", 7), ("", 7)], (await ByAsync("users/reads-own", 2)).Select(e => (e.Project, e.Code)));
        var owners = (await audit.ListAuditEntriesAsync(
            new() { Parent = "projects/own", Filter = "resource : \"not-yours\"" }, host.Headers(host.OwnersToken))).Entries;
        Assert.Equal("users/reads-own", Assert.Single(owners).Caller);
        Assert.Equal(StatusCode.PermissionDenied, (await Assert.ThrowsAsync<RpcException>(() => audit.ListAuditEntriesAsync(
            new() { Parent = "projects/own" }, host.Headers(reader)).ResponseAsync)).StatusCode);

        static (string, int) One(IReadOnlyList<AuditEntry> entries) => (Assert.Single(entries).Project, entries[0].Code);
    }

    [Fact]
    public async Task WhoShowsNothingThatIsBelieved_IsKeptByAddress()
    {
        var resource = $"flavors/no-{Guid.NewGuid():n}";
        // Of one address no more than a few a minute are kept each for itself.
        using var channel = host.From("127.0.0.11");
        await Assert.ThrowsAsync<RpcException>(() => new FlavorService.FlavorServiceClient(channel).DeleteFlavorAsync(
            new() { Name = resource }, host.Headers("mt1_" + new string('x', 43))).ResponseAsync);
        var entry = Assert.Single(await WhereAsync($"resource = \"{resource}\"", 1));
        Assert.Equal(("", "", "127.0.0.11", 16, "TOKEN_UNKNOWN"), (entry.Caller, entry.Credential, entry.Peer, entry.Code, entry.Reason));
    }

    /// <summary>It leaves no trace in a database: its entry is there before its first byte.</summary>
    [Fact]
    public async Task AStream_IsKept_BeforeItBegins()
    {
        var token = await host.UserAsync("downloads", ("roles/reader", "projects/own"));
        using var call = new ImageService.ImageServiceClient(host.Invoker).DownloadImage(
            new() { Name = "projects/own/images/r1" }, host.Headers(token));
        Assert.True(await call.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
        var entry = Assert.Single((await audit.ListAuditEntriesAsync(
            new() { Filter = "caller = \"users/downloads\"" }, host.Headers())).Entries);
        Assert.Equal(("projects/own/images/r1", "projects/own", 0), (entry.Resource, entry.Project, entry.Code));
    }

    /// <summary>What was asked for was not there, or not for this caller: nothing began.</summary>
    [Fact]
    public async Task AStream_ThatHandsNothingOut_IsNotSaidToHaveBegun()
    {
        var token = await host.UserAsync("downloads-not", ("roles/reader", "projects/own"));
        using var call = new ImageService.ImageServiceClient(host.Invoker).DownloadImage(
            new() { Name = "projects/other/images/r1" }, host.Headers(token));
        await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
        Assert.Equal(5, Assert.Single(await ByAsync("users/downloads-not", 1)).Code);
    }

    [Fact]
    public async Task AnUpload_ThatIsOnlyTried_IsNoDeed()
    {
        var token = await host.UserAsync("tries", ("roles/member", "projects/own"));
        foreach (var (image, tried) in new[] { ("tried-not-made", true), ("tried-and-made", false) })
        {
            using var call = new ImageService.ImageServiceClient(host.Invoker).UploadImage(host.Headers(token));
            await call.RequestStream.WriteAsync(
                new() { Header = new() { Parent = "projects/own", ImageId = image, ValidateOnly = tried } }, TestContext.Current.CancellationToken);
            await call.RequestStream.WriteAsync(
                new() { Chunk = Google.Protobuf.ByteString.CopyFrom(new byte[4096]) }, TestContext.Current.CancellationToken);
            await call.RequestStream.CompleteAsync();
            await call;
        }
        Assert.Equal("projects/own/images/tried-and-made", Assert.Single(await ByAsync("users/tries", 1)).Resource);
    }

    /// <summary>Whoever only looks, and is told that a project is not there.</summary>
    [Fact]
    public async Task WhoLooksIntoAnothersProject_IsKept()
    {
        var token = await host.UserAsync("looks", ("roles/reader", "projects/own"));
        var servers = new ServerService.ServerServiceClient(host.Invoker);
        await Assert.ThrowsAsync<RpcException>(() => servers.GetServerAsync(
            new() { Name = "projects/other/servers/s1" }, host.Headers(token)).ResponseAsync);
        await Assert.ThrowsAsync<RpcException>(() => servers.DeleteServerAsync(
            new() { Name = "projects/other/servers/s1", ValidateOnly = true }, host.Headers(token)).ResponseAsync);
        // In its own it may look, and find nothing.
        await Assert.ThrowsAsync<RpcException>(() => servers.GetServerAsync(
            new() { Name = "projects/own/servers/none" }, host.Headers(token)).ResponseAsync);
        await servers.ListServersAsync(new() { Parent = "projects/own" }, host.Headers(token));
        Assert.Equal(["projects/other/servers/s1", "projects/other/servers/s1"], (await ByAsync("users/looks", 2)).Select(e => e.Resource));
    }

    /// <summary>With a user go its bindings and tokens: the entry is the user's.</summary>
    [Fact]
    public async Task WhatWentWithAChange_IsNotWhatWasChanged()
    {
        await host.UserAsync("goes", ("roles/reader", "projects/own"));
        await new UserService.UserServiceClient(host.Invoker).DeleteUserAsync(new() { Name = "users/goes" }, host.Headers());
        var entry = Assert.Single(await WhereAsync("resource = \"users/goes\" AND event_type = \"monolith.identity.user.deleted\"", 1));
        Assert.Equal("monolith.identity.v1.UserService/DeleteUser", entry.Method);
    }

    /// <summary>Of every method it is said whether it looks or acts, a second time.</summary>
    [Fact]
    public void EveryMethod_ThatChangesOrHandsOutSomething_IsRecorded()
    {
        string[] handsOut = ["DownloadImage", "ExportAddresses", "ConnectConsole", "ReadConsoleLog", "TakeScreenshot", "Join", "RenewCertificate", "IssueAccessToken", "CertifyHostKeys"];
        foreach (var method in Methods.All)
            Assert.True(
                (method.Changes || handsOut.Contains(method.Descriptor.Name))
                    == Audited.IsRecorded($"/{method.Descriptor.Service.FullName}/{method.Descriptor.Name}"), $"{method}");
    }

    [Fact]
    public async Task Pages_NewestFirst_AreTheOthersTurnedRound()
    {
        var token = await host.UserAsync("turns", ("roles/admin", ""));
        for (var i = 0; i < 5; i++)
            await flavors.CreateFlavorAsync(new()
            {
                FlavorId = $"turns{i}",
                Flavor = new() { Vcpus = 1, MemoryMib = 64, DiskGib = 1 },
            }, host.Headers(token));
        var up = (await ByAsync("users/turns", 5)).Select(e => e.Sequence).ToList();
        var down = new List<long>();
        var request = new ListAuditEntriesRequest { Filter = "caller = \"users/turns\"", NewestFirst = true, PageSize = 2 };
        do
        {
            var page = await audit.ListAuditEntriesAsync(request, host.Headers());
            down.AddRange(page.Entries.Select(e => e.Sequence));
            request.PageToken = page.NextPageToken;
        }
        while (request.PageToken.Length > 0);
        Assert.Equal(up, Enumerable.Reverse(down));
    }

    [Fact]
    public async Task TheLog_IsProved_ToTheEnd()
    {
        var answer = await audit.VerifyAuditEntriesAsync(new(), host.Headers());
        Assert.Equal("", answer.Fault);
        Assert.Equal(answer.LastSequence, answer.Through);
        Assert.Equal("", (await audit.VerifyAuditEntriesAsync(
            new() { After = answer.Through, Digest = answer.Digest }, host.Headers())).Fault);
    }

    Task<IReadOnlyList<AuditEntry>> ByAsync(string caller, int count) => WhereAsync($"caller = \"{caller}\"", count);

    async Task<IReadOnlyList<AuditEntry>> WhereAsync(string filter, int count)
    {
        IReadOnlyList<AuditEntry> found = [];
        await RunningHost.UntilAsync(async () =>
        {
            found = (await audit.ListAuditEntriesAsync(new() { Filter = filter, PageSize = 1000 }, host.Headers())).Entries;
            return found.Count >= count;
        }, $"{count} entries where {filter}");
        return found;
    }
}
