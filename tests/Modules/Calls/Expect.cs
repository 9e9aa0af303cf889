using Grpc.Core;
using Monolith.Platform.Faults;

namespace Monolith.Modules.Tests.Calls;

internal static class Expect
{
    /// <summary>The fault that the call ends in, which must have this code and reason.</summary>
    public static async Task<Fault> FaultAsync(StatusCode code, string reason, Func<Task> call)
    {
        var fault = await Assert.ThrowsAsync<Fault>(call);
        Assert.Equal((code, reason), (fault.Code, fault.Reason));
        return fault;
    }
}
