using Monolith.Identity.Access;
using Monolith.Identity.V1;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;

namespace Monolith.Identity.ServiceAccounts;

internal static class ServiceAccountRules
{
    static readonly string[] Changeable = ["display_name", "labels", "disabled"];

    public static void Check(CreateServiceAccountRequest request)
    {
        var violations = new Violations();
        ResourceName.Parse("projects/*", request.Parent, "parent", violations);
        violations.Id("service_account_id", request.ServiceAccountId);
        if (request.ServiceAccount is { } account) CheckWords(account, violations);
        violations.ThrowIfAny();
    }

    /// <returns>The fields to change.</returns>
    public static IReadOnlySet<string> Check(UpdateServiceAccountRequest request)
    {
        var violations = new Violations();
        if (!violations.Require(request.ServiceAccount is not null, "service_account", "is required")) violations.ThrowIfAny();
        ResourceName.Parse(Members.ServiceAccounts, request.ServiceAccount!.Name, "service_account.name", violations);
        var changed = Masks.Changed(request.UpdateMask, request.ServiceAccount, Changeable, violations);
        CheckWords(request.ServiceAccount, violations);
        violations.ThrowIfAny();
        return changed;
    }

    static void CheckWords(ServiceAccount account, Violations violations)
    {
        violations.DisplayName("service_account.display_name", account.DisplayName);
        violations.Labels("service_account.labels", account.Labels);
    }
}
