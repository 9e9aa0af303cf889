using Monolith.Compute.Placement;
using Monolith.Compute.V1;
using Monolith.Platform.Faults;

namespace Monolith.Compute.Flavors;

internal static class FlavorRules
{
    public static readonly string[] Changeable = ["display_name", "labels"];

    public static void Check(CreateFlavorRequest request)
    {
        var violations = new Violations();
        violations.Id("flavor_id", request.FlavorId);
        if (violations.Require(request.Flavor is not null, "flavor", "is required"))
        {
            var flavor = request.Flavor;
            violations.Require(flavor.Vcpus is >= 1 and <= 256, "flavor.vcpus", "must be 1 to 256");
            violations.Require(flavor.MemoryMib is >= 32 and <= 4_194_304, "flavor.memory_mib",
                "must be 32 to 4194304 MiB");
            violations.Require(flavor.DiskGib is >= 1 and <= 65_536, "flavor.disk_gib", "must be 1 to 65536 GiB");
            violations.Words("flavor.required_traits", flavor.RequiredTraits, TraitSet.Most);
            violations.Words("flavor.forbidden_traits", flavor.ForbiddenTraits, TraitSet.Most);
            foreach (var both in flavor.RequiredTraits.Intersect(flavor.ForbiddenTraits, StringComparer.Ordinal))
                violations.Add("flavor.forbidden_traits", $"{both} is required as well");
            violations.Require(System.Enum.IsDefined(flavor.Placement), "flavor.placement", "must be SPREAD or PACK");
            violations.DisplayName("flavor.display_name", flavor.DisplayName);
            violations.Labels("flavor.labels", flavor.Labels);
        }
        violations.ThrowIfAny();
    }
}
