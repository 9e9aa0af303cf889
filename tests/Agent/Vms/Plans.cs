using Monolith.Agent.Images;
using Monolith.Agent.Vms;

namespace Monolith.Agent.Tests.Vms;

internal static class Plans
{
    public static VmPlan Small(string id = "vm-1", params VmPort[] ports) => new(
        new VmId(id), 1, "web1", 1, 64, 1, ImageDigest.FromHash(new byte[32]), DiskFormat.Raw, ports,
        new Guid("0192f0c1-2d3e-7a4b-8c5d-6e7f80910203"));

    public static VmPort Port(int n) => new($"02:00:00:00:00:{n:x2}", $"mt-tap{n}", 1500);
}
