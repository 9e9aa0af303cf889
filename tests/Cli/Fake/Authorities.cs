using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Monolith.Identity.V1;
using State = Monolith.Identity.V1.CertificateAuthority.Types.State;

namespace Monolith.Cli.Tests.Fake;

/// <summary>Authorities whose nodes take as many looks as a test says.</summary>
internal sealed class Authorities : CertificateAuthorityService.CertificateAuthorityServiceBase
{
    public List<CertificateAuthority> Known { get; } = [];

    /// <summary>What was asked for, in order.</summary>
    public List<string> Steps { get; } = [];

    /// <summary>How many nodes are behind when something changes; one fewer with each look.</summary>
    public int Behind { get; set; }

    public Timestamp? Ready { get; set; }

    public void Add(CertificateAuthority.Types.Use use, int number, State state) => Known.Add(new()
    {
        Name = $"certificateAuthorities/{use.ToString().ToLowerInvariant()}-{number}",
        Use = use,
        State = state,
        PublicKey = $"key {number}\n",
        Fingerprint = "digest " + number,
    });

    public override Task<ListCertificateAuthoritiesResponse> ListCertificateAuthorities(ListCertificateAuthoritiesRequest request, ServerCallContext context) =>
        Task.FromResult(new ListCertificateAuthoritiesResponse { CertificateAuthorities = { Known.Select(Shown) } });

    public override Task<CertificateAuthority> GetCertificateAuthority(GetCertificateAuthorityRequest request, ServerCallContext context)
    {
        if (Behind > 0) Behind--;
        return Task.FromResult(Shown(Find(request.Name)));
    }

    public override Task<CertificateAuthority> CreateCertificateAuthority(CreateCertificateAuthorityRequest request, ServerCallContext context)
    {
        Steps.Add("create");
        Add(request.CertificateAuthority.Use, Known.Count + 1, State.Next);
        return Task.FromResult(Shown(Known[^1]));
    }

    public override Task<CertificateAuthority> ActivateCertificateAuthority(ActivateCertificateAuthorityRequest request, ServerCallContext context)
    {
        Steps.Add($"activate {request.Name}{(request.Force ? " by force" : "")}");
        Known.Single(a => a.State == State.Signing).State = State.Former;
        Find(request.Name).State = State.Signing;
        return Task.FromResult(Find(request.Name));
    }

    public override Task<Empty> DeleteCertificateAuthority(DeleteCertificateAuthorityRequest request, ServerCallContext context)
    {
        Steps.Add($"delete {request.Name}{(request.Force ? " by force" : "")}");
        Known.Remove(Find(request.Name));
        return Task.FromResult(new Empty());
    }

    CertificateAuthority Find(string name) =>
        Known.FirstOrDefault(a => a.Name == name) ?? throw new RpcException(new Status(StatusCode.NotFound, name + " does not exist."));

    CertificateAuthority Shown(CertificateAuthority authority)
    {
        var shown = authority.Clone();
        if (shown.State == State.Signing) return shown;
        shown.ReadyTime = Ready;
        shown.PendingNodeCount = Behind;
        shown.PendingNodes.AddRange(Enumerable.Range(1, Behind).Select(n => $"nodes/hv{n}"));
        return shown;
    }
}
