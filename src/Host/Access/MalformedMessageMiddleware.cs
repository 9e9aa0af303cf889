using Grpc.Core;
using Microsoft.AspNetCore.Http.Features;
using Monolith.Platform.Faults;

namespace Monolith.Host.Access;

/// <summary>
/// Bytes that are no message of the method are the caller's mistake: INVALID_ARGUMENT. The server library reads a unary
/// request before any interceptor runs, and calls what it cannot read UNKNOWN or INTERNAL, which would blame the host
/// and invite clients to try again. A call that ends so before <see cref="AccessInterceptor"/> was reached is one whose
/// request could not be read, or was none of gRPC's.
/// </summary>
internal sealed class MalformedMessageMiddleware(RequestDelegate next)
{
    const string StatusHeader = "grpc-status";
    const string MessageHeader = "grpc-message";
    const string DetailsHeader = "grpc-status-details-bin";
    static readonly object Key = new();

    /// <summary>The request was read: whatever happens now is not its form.</summary>
    public static void Entered(HttpContext context) => context.Items[Key] = Key;

    public static Fault Malformed() => Fault.Invalid("(request)",
        "is not a message of this method in protobuf's wire format. Generate the client from this cloud's protos");

    public async Task InvokeAsync(HttpContext context)
    {
        await next(context);
        if (context.Items.ContainsKey(Key) || context.RequestAborted.IsCancellationRequested) return;
        // A response without messages has its status in the headers; otherwise it is in the trailers.
        var trailers = context.Features.Get<IHttpResponseTrailersFeature>()?.Trailers;
        if (!context.Response.HasStarted && IsOurFault(context.Response.Headers)) Rewrite(context.Response.Headers);
        else if (trailers is { IsReadOnly: false } && IsOurFault(trailers)) Rewrite(trailers);
    }

    static bool IsOurFault(IHeaderDictionary headers) =>
        int.TryParse(headers[StatusHeader], out var code)
        && (StatusCode)code is (StatusCode.Unknown or StatusCode.Internal);

    static void Rewrite(IHeaderDictionary headers)
    {
        var error = FaultWire.Convert(Malformed());
        headers[StatusHeader] = ((int)error.StatusCode).ToString(System.Globalization.CultureInfo.InvariantCulture);
        headers[MessageHeader] = Uri.EscapeDataString(error.Status.Detail);
        foreach (var entry in error.Trailers)
            if (entry.Key == DetailsHeader) headers[DetailsHeader] = Convert.ToBase64String(entry.ValueBytes);
    }
}
