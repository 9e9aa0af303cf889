using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Identity;
using Monolith.Identity.RoleBindings;
using Monolith.Identity.V1;
using Monolith.Modules.Tests.Calls;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Storage;
using RoleBindingService = Monolith.Identity.RoleBindings.RoleBindingService;

namespace Monolith.Modules.Tests.Identity;

/// <summary>Bindings have ids that nobody chooses; who they bind to what, where, is what tells them apart.</summary>
public sealed class RoleBindingTests
{
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task TheSameBinding_IsMadeOnce_HoweverManyAskForItAtOnce(string provider)
    {
        await using var identity = await IdentityFixture.StartAsync(provider);
        var (service, by) = (identity.Make<RoleBindingService>(), identity.Admin);
        var request = new CreateRoleBindingRequest
        {
            RoleBinding = new() { Member = "users/admin", Role = "roles/operator" },
        };
        var ended = await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ => await Record.ExceptionAsync(() =>
            service.CreateRoleBinding(request, identity.As(by, "identity.roleBindings.create")))));
        Assert.Single(ended, e => e is null);
        Assert.All(ended.OfType<Exception>(), e => Assert.Equal((StatusCode.AlreadyExists, "RESOURCE_EXISTS"),
            (Assert.IsType<Fault>(e).Code, ((Fault)e).Reason)));
        // The same role elsewhere is another binding.
        request.RoleBinding.Role = "roles/projectAdmin";
        request.RoleBinding.Scope = "projects/system";
        await service.CreateRoleBinding(request, identity.As(by, "identity.roleBindings.create"));
    }

    /// <summary>The check in the code is for the words; the database keeps the promise.</summary>
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task TheDatabase_HoldsTheSameBindingOnce(string provider)
    {
        await using var identity = await IdentityFixture.StartAsync(provider);
        var store = identity.Get<Store<IdentityDb>>();
        var fault = await Assert.ThrowsAsync<Fault>(() => store.WriteAsync(Call.Of("test"), unit =>
        {
            for (var i = 0; i < 2; i++)
                unit.Db.RoleBindings.Add(RoleBindingRow.Of("roles/operator", "users/admin", "", unit.Now));
            return Task.CompletedTask;
        }, default));
        Assert.Equal("WRITE_CONFLICT", fault.Reason);
        Assert.Equal(0, await store.ReadAsync(db => db.RoleBindings.CountAsync(b => b.Role == "roles/operator")));
    }
}
