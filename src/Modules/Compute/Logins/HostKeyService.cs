using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Agent.V1;
using Monolith.Compute.Servers;
using Monolith.Compute.Vms;
using Monolith.Identity.Contracts;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Storage;

namespace Monolith.Compute.Logins;

/// <summary>Signs host keys of guests for the hypervisor that they are at, and for no other: an agent that lies can pass for its
/// own guests, which it can anyway.</summary>
internal sealed class HostKeyService(Store<ComputeDb> store, ILoginAuthority authority, TimeProvider time)
    : Agent.V1.HostKeyService.HostKeyServiceBase
{
    const int MostKeys = 8;

    public override async Task<CertifyHostKeysResponse> CertifyHostKeys(CertifyHostKeysRequest request, ServerCallContext context)
    {
        var violations = new Violations();
        violations.Require(Guid.TryParse(request.InstanceId, out var uid), "instance_id", "must be a UUID");
        violations.Require(request.PublicKeys.Count is >= 1 and <= MostKeys, "public_keys", $"must be 1 to {MostKeys}");
        var keys = new List<SshPublicKey>();
        for (var i = 0; i < Math.Min(request.PublicKeys.Count, MostKeys); i++)
            if (SshPublicKey.TryParse(request.PublicKeys[i], out var key) is { } error) violations.Add($"public_keys[{i}]", error);
            else keys.Add(key!);
        violations.ThrowIfAny();
        var node = context.GetCall().Caller.Node ?? "";
        var server = await store.ReadAsync(async db =>
            await db.Vms.AnyAsync(v => v.ServerUid == uid && v.Hypervisor == node && v.Role == VmRole.Current && v.Power != VmPower.Absent)
                ? await ServerQueries.ByUid(db, uid)
                : null) ?? throw Fault.NotFound("instances/" + uid);
        var now = Stored.Time(time.GetUtcNow());
        var expires = now + LoginLifetimes.OfHosts;
        // Not its short name, which servers of other projects may have, and no address, which others will have.
        string[] names = server.DnsName.Length > 0 ? [uid.ToString(), server.DnsName.TrimEnd('.')] : [uid.ToString()];
        return new CertifyHostKeysResponse
        {
            Certificates =
            {
                keys.Select(k => authority.CertifyHost(
                    new(k, (ulong)LoginRules.Serial(now), server.Name, names, now - LoginRules.Skew, expires))),
            },
            ExpireTime = expires.ToTimestamp(),
            UserAuthoritiesRevision = authority.UserKeysRevision,
            UserAuthorities = { authority.UserKeys.Select(k => k.ToString()) },
        };
    }
}
