using System.Text.RegularExpressions;
using Grpc.Core;
using Monolith.Host.Tests.Cloud;
using Monolith.Identity.V1;

namespace Monolith.Host.Tests.Access;

/// <summary>
/// The matrix of the built-in roles, written down a second time: each role on each scope where it can be bound, with
/// every method. Where the role has the permission, the gate opens, and otherwise it says which permission is missing.
/// </summary>
public sealed partial class RoleTests(RunningHost host)
{
    const string Member = @"(compute\.(servers|consoles|serverGroups|keyPairs)|image\.images"
        + @"|network\.(networks|ports|securityGroups|addressSets|floatingAddresses)|dns\.(zones|recordSets)|lb\.loadBalancers)\.\w+"
        + @"|events\.events\.list|identity\.projects\.get|identity\.quotas\.(get|list)";
    const string ProjectAdmin = Member + @"|identity\.roleBindings\.\w+|identity\.serviceAccounts\.\w+|identity\.projects\.update|events\.auditEntries\.read|compute\.logins\.list";
    const string DomainAdmin = ProjectAdmin + @"|identity\.projects\.(create|delete|undelete)|identity\.domains\.(get|update)";

    static readonly Dictionary<string, string> Matrix = new()
    {
        ["roles/admin"] = @"(identity|compute|image|network|dns|lb|events)\..*",
        ["roles/operator"] = @"compute\.(flavors|hypervisors|imagePrewarms)\.\w+|network\.(addressPools|fabricPeers|fabricBreaches)\.\w+|lb\.nodes\.\w+|events\.events\.list|events\.auditEntries\.\w+"
            + @"|identity\.joinTokens\.create|identity\.projects\.get|identity\.quotas\.(get|update)|identity\.certificateAuthorities\.(get|list)",
        ["roles/domainAdmin"] = DomainAdmin,
        ["roles/projectAdmin"] = ProjectAdmin,
        ["roles/member"] = Member,
        ["roles/reader"] = @"(?!agent\.).*\.(get|list|watch|download)",
    };

    [Theory]
    [InlineData("roles/admin", "")]
    [InlineData("roles/operator", "")]
    [InlineData("roles/member", "")]
    [InlineData("roles/reader", "")]
    [InlineData("roles/domainAdmin", "domains/matrix")]
    [InlineData("roles/projectAdmin", "domains/matrix")]
    [InlineData("roles/reader", "domains/matrix")]
    [InlineData("roles/projectAdmin", "projects/own")]
    [InlineData("roles/member", "projects/own")]
    [InlineData("roles/reader", "projects/own")]
    public async Task ARole_OpensExactlyWhatItHolds(string role, string scope)
    {
        var user = $"{role["roles/".Length..].ToLowerInvariant()}-{(scope.Length == 0 ? "cloud" : scope.Split('/')[1])}";
        var isDomain = scope.StartsWith("domains/", StringComparison.Ordinal);
        if (isDomain) await InDomainAsync();
        var token = await host.UserAsync(user, (role, scope));
        var wrong = new List<string>();
        foreach (var method in Methods.All)
        {
            var at = method.Pattern.StartsWith("users/", StringComparison.Ordinal) ? user : isDomain ? "matrix" : "own";
            var answer = await host.Api.CallAsync(method.Descriptor, token, method.At(at, "none"));
            var passes = method.IsOpen || Holds(role, scope, method);
            var fits = passes
                ? answer.Code is not (StatusCode.PermissionDenied or StatusCode.Unauthenticated or StatusCode.Internal
                    or StatusCode.Unknown or StatusCode.Unimplemented)
                : answer.Code == StatusCode.PermissionDenied && answer.Info?.Metadata["permission"] == method.Permission
                    // As of a project: whether there is one is told to who has to do with it.
                    || answer.Code == StatusCode.NotFound && !isDomain && IsDomains(method);
            // Joining is for everybody, and refused for its token.
            if (!fits && method.Permission != "public")
                wrong.Add($"{method} ({method.Permission}) should {(passes ? "pass" : "be denied")}: {answer}");
        }
        Assert.Empty(wrong);
        Assert.Equal(
            Permissions.Where(p => Fits(Matrix[role], p) && (scope.Length == 0 || Fits(isDomain ? DomainAdmin : ProjectAdmin, p))), await SaidAsync(token, scope));
    }

    static IEnumerable<string> Permissions => Methods.All.Where(m => !m.IsOpen).Select(m => m.Permission).Distinct().Order(StringComparer.Ordinal);

    /// <summary>Who asks before is told the same.</summary>
    async Task<IReadOnlyList<string>> SaidAsync(string token, string scope)
    {
        var held = new List<string>();
        foreach (var some in Permissions.Chunk(100))
        {
            var answer = await new RoleService.RoleServiceClient(host.Invoker).TestPermissionsAsync(
                new TestPermissionsRequest { Resource = scope, Permissions = { some } }, host.Headers(token));
            Assert.Equal(some, answer.Permissions.Select(p => p.Permission));
            held.AddRange(answer.Permissions.Where(p => p.Held).Select(p => p.Permission));
        }
        return held;
    }

    [Fact]
    public void EveryPermission_IsHeldBySomeRole()
    {
        var orphans = Methods.All.Where(m => !m.IsOpen && !m.IsAgents)
            .Select(m => m.Permission).Where(p => !Matrix.Values.Any(v => Fits(v, p))).Distinct();
        Assert.Empty(orphans);
    }

    static bool Holds(string role, string scope, ApiMethod method)
    {
        if (!Fits(Matrix[role], method.Permission)) return false;
        if (scope.Length == 0) return true;
        if (scope.StartsWith("domains/", StringComparison.Ordinal))
            return Fits(DomainAdmin, method.Permission) && (method.InProject || method.Anywhere || IsDomains(method));
        // On a project a role holds what the project's administrator could, and opens that project alone.
        return Fits(ProjectAdmin, method.Permission) && (method.InProject || method.Anywhere);
    }

    static bool IsDomains(ApiMethod method) => method.Pattern.StartsWith("domains/", StringComparison.Ordinal);

    readonly DomainService.DomainServiceClient domains = new(host.Invoker);

    /// <summary>A domain, and a project of the same id in it.</summary>
    async Task InDomainAsync()
    {
        try
        {
            await domains.CreateDomainAsync(new() { DomainId = "matrix" }, host.Headers());
            await new ProjectService.ProjectServiceClient(host.Invoker).CreateProjectAsync(
                new() { ProjectId = "matrix", Project = new() { Domain = "domains/matrix" } }, host.Headers());
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.AlreadyExists)
        {
            // By another of these tests.
        }
    }

    static bool Fits(string pattern, string permission) => Regex.IsMatch(permission, $"^({pattern})$");
}
