using System.Diagnostics;
using Grpc.Core;

namespace Monolith.Platform.Calls;

/// <summary>What a module knows about the call that it serves. Immutable.</summary>
/// <param name="Caller">Who calls.</param>
/// <param name="Permission">What the method asked for.</param>
/// <param name="Method">Full gRPC name, <c>/monolith.compute.v1.ServerService/CreateServer</c>.</param>
/// <param name="TraceId">W3C trace id, or empty.</param>
public sealed record Call(Caller Caller, string Permission, string Method, string TraceId)
{
    /// <summary>How it came, when who did what is kept of it; else null.</summary>
    public CallOrigin? Origin { get; init; }

    /// <summary>Whose deed it is.</summary>
    public string Actor => Origin is { Proved.Length: > 0 } origin ? origin.Proved : Caller.Name;

    /// <summary>For work that no request asked for.</summary>
    /// <param name="component"><c>compute/servers</c></param>
    public static Call Of(string component) => new(new Caller(component, []), "", component,
        Activity.Current?.TraceId.ToHexString() ?? "");
}

public static class CallExtensions
{
    static readonly object Key = typeof(Call);

    /// <summary>Set once by the access interceptor.</summary>
    public static void SetCall(this ServerCallContext context, Call call) => context.UserState[Key] = call;

    /// <summary>The call, with its authenticated and authorised caller.</summary>
    public static Call GetCall(this ServerCallContext context) => context.UserState.TryGetValue(Key, out var call)
        ? (Call)call
        : throw new InvalidOperationException($"{context.Method} was reached without the access interceptor.");
}
