using System.Collections.Concurrent;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Monolith.Identity.V1;

namespace Monolith.Cli.Tests.Fake;

/// <summary>Believes every ID token, and keeps it.</summary>
internal sealed class SignIns : IdentityProviderService.IdentityProviderServiceBase
{
    public const string Secret = "mt1_0123456789012345678901234567890123456789012";

    public List<SignInProvider> Providers { get; } = [];

    public ConcurrentQueue<ExchangeIdTokenRequest> Exchanged { get; } = new();

    public override Task<ListSignInProvidersResponse> ListSignInProviders(ListSignInProvidersRequest request, ServerCallContext context) =>
        Task.FromResult(new ListSignInProvidersResponse { Providers = { Providers } });

    public override Task<ExchangeIdTokenResponse> ExchangeIdToken(ExchangeIdTokenRequest request, ServerCallContext context)
    {
        Exchanged.Enqueue(request);
        return Task.FromResult(new ExchangeIdTokenResponse
        {
            Token = new() { Name = "users/jane/tokens/1", ExpireTime = new DateTime(2026, 3, 1, 12, 0, 0, DateTimeKind.Utc).ToTimestamp() },
            Secret = Secret,
        });
    }
}

/// <summary>Revokes tokens for who shows one.</summary>
internal sealed class Revoker : TokenService.TokenServiceBase
{
    public ConcurrentQueue<(string Name, string? Authorization)> Revoked { get; } = new();

    public StatusCode Answer { get; set; } = StatusCode.OK;

    /// <summary>The caller is the administrator.</summary>
    public override Task<GetCallerResponse> GetCaller(GetCallerRequest request, ServerCallContext context) =>
        Task.FromResult(new GetCallerResponse { Name = "users/admin" });

    public override Task<Empty> RevokeToken(RevokeTokenRequest request, ServerCallContext context)
    {
        Revoked.Enqueue((request.Name, context.RequestHeaders.GetValue("authorization")));
        return Answer == StatusCode.OK ? Task.FromResult(new Empty()) : throw new RpcException(new(Answer, "no"));
    }
}
