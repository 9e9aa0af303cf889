using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Monolith.Identity.Access;
using Monolith.Identity.AccessTokens;
using Monolith.Identity.Authority;
using Monolith.Identity.Projects;
using Monolith.Identity.RoleBindings;
using Monolith.Identity.Secrets;
using Monolith.Identity.Tokens;
using Monolith.Identity.Users;
using Monolith.Platform.Calls;
using Monolith.Platform.Storage;

namespace Monolith.Identity;

/// <summary>
/// What must be there before anybody can call: the keys that secrets are sealed with; the certificate authorities; at the first start, that is, while there is no
/// user at all, the project <c>system</c> and the user <c>admin</c>, who may do everything; and a token of admin's in
/// <c>admin.token</c> whenever that file is missing.
/// </summary>
internal sealed partial class IdentityStartUp(Store<IdentityDb> store, DataKeys keys, SigningKeys signingKeys, FirstAuthorities first,
    AuthorityFile file, Registry registry, IdentityOptions options, ILogger<IdentityStartUp> log) : IStartUp
{
    const string Admin = "users/admin";

    public string Module => store.Module;

    public async Task StartAsync(CancellationToken cancel)
    {
        await keys.OpenAsync(cancel);
        await signingKeys.OpenAsync(cancel);
        await first.MakeAsync(cancel);
        var isFirst = await store.WriteAsync(Call.Of("identity/start"), BootstrapAsync, cancel);
        var path = Path.Combine(options.DataDirectory, "admin.token");
        // At a first start a file that is there is of another database.
        if (isFirst || !File.Exists(path)) await WriteTokenAsync(path, cancel);
        await registry.StartAsync();
        await file.WriteAsync(cancel);
    }

    static async Task<bool> BootstrapAsync(Unit<IdentityDb> unit)
    {
        if (await unit.Db.Users.AnyAsync()) return false;
        var user = new UserRow
        {
            Name = Admin,
            DisplayName = "Administrator",
            CreateTime = unit.Now,
            UpdateTime = unit.Now,
        };
        unit.Db.Users.Add(user);
        UserService.Emit(unit, Change.Created, user);
        var binding = RoleBindingRow.Of(Roles.Admin, Admin, "", unit.Now);
        unit.Db.RoleBindings.Add(binding);
        RoleBindingService.Emit(unit, Change.Created, binding);
        if (!await unit.Db.Projects.AnyAsync(p => p.Project == ProjectRules.System))
        {
            var project = new ProjectRow
            {
                Name = "projects/" + ProjectRules.System,
                Project = ProjectRules.System,
                DisplayName = ProjectRules.System,
                CreateTime = unit.Now,
                UpdateTime = unit.Now,
            };
            unit.Db.Projects.Add(project);
            ProjectService.Emit(unit, Change.Created, project);
        }
        return true;
    }

    /// <summary>The row first: a crash in between leaves a token that nobody knows, never a file with a dead one.</summary>
    async Task WriteTokenAsync(string path, CancellationToken cancel)
    {
        var secret = TokenSecret.Make();
        var made = await store.WriteAsync(Call.Of("identity/start"), async unit =>
        {
            if (!await unit.Db.Users.AnyAsync(u => u.Name == Admin)) return false;
            var row = TokenRow.Of(Admin, secret, new() { DisplayName = "admin.token" }, unit.Now);
            unit.Db.Tokens.Add(row);
            TokenService.Emit(unit, Change.Created, row);
            return true;
        }, cancel);
        if (!made) return;
        await PrivateFile.WriteAsync(path, secret + "\n", cancel: cancel);
        LogTokenWritten(path);
    }

    [LoggerMessage(LogLevel.Information, "A token of the administrator is in {Path}")]
    partial void LogTokenWritten(string path);
}
