using Grpc.Core;
using Monolith.Host.Tests.Cloud;

namespace Monolith.Host.Tests.Access;

/// <summary>Who shows nothing is told so, and who may nothing gets nothing, from every method.</summary>
public sealed class CredentialTests(RunningHost host)
{
    public static TheoryData<string> Guarded => Methods.Named(m => m.Permission != "public");
    public static TheoryData<string> Granted => Methods.Named(m => !m.IsOpen);
    public static TheoryData<string> Everyone => Methods.Named(m => m.Permission == "authenticated");

    [Theory]
    [MemberData(nameof(Guarded))]
    public async Task WithoutAToken_EveryMethodIsUnauthenticated(string name)
    {
        var method = Methods.Find(name);
        (string? Token, string Reason)[] shown = [(null, "CREDENTIALS_MISSING"), ("mt1_wrong", "TOKEN_UNKNOWN")];
        foreach (var (token, reason) in shown)
            foreach (var request in new[] { method.Empty(), method.At("own", "r1"), method.At("nowhere", "r1") })
            {
                var answer = await host.Api.CallAsync(method.Descriptor, token, request);
                Assert.Equal(StatusCode.Unauthenticated, answer.Code);
                Assert.Equal((reason, "monolith"), (answer.Info?.Reason, answer.Info?.Domain));
            }
    }

    [Theory]
    [MemberData(nameof(Granted))]
    public async Task WithoutABinding_EveryMethodIsDeniedOrNotFound(string name)
    {
        var method = Methods.Find(name);
        foreach (var request in new[] { method.Empty(), method.At("own", "r1"), method.At("-", "r1") })
        {
            var answer = await host.Api.CallAsync(method.Descriptor, host.NobodysToken, request);
            Assert.True(answer.Code is StatusCode.PermissionDenied or StatusCode.NotFound, answer.ToString());
            Assert.NotNull(answer.Info);
            if (answer.Code == StatusCode.PermissionDenied)
                Assert.Equal(method.Permission, answer.Info.Metadata["permission"]);
        }
        var there = await host.Api.CallAsync(method.Descriptor, host.NobodysToken, method.At("own", "r1"));
        if (method.InProject && !method.Anywhere) Assert.Equal(StatusCode.NotFound, there.Code);
    }

    [Theory]
    [MemberData(nameof(Everyone))]
    public async Task WhatIsForEveryCaller_ShowsNothingOfOthers(string name)
    {
        var method = Methods.Find(name);
        foreach (var user in new[] { "admin", "owner" })
        {
            var answer = await host.Api.CallAsync(method.Descriptor, host.NobodysToken, method.At(user, "none"));
            Assert.True(answer.Code is not (StatusCode.Internal or StatusCode.Unknown), answer.ToString());
            // Others' tokens are theirs.
            if (method.Pattern.StartsWith("users/", StringComparison.Ordinal))
                Assert.Equal(StatusCode.PermissionDenied, answer.Code);
        }
        if (method.Descriptor.Name != "ListProjects") return;
        var projects = await host.Api.CallAsync(method.Descriptor, host.NobodysToken, method.Empty());
        Assert.Empty(((Identity.V1.ListProjectsResponse)projects.Response!).Projects);
    }
}
