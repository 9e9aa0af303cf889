using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;

namespace Monolith.Image.Imports;

/// <summary>Content that has begun to come.</summary>
/// <param name="Offset">Of its first byte.</param>
/// <param name="TotalBytes">Of the whole content; null when it is not said.</param>
/// <param name="Validator">What says later that the content is still this one: an ETag or a date; empty for none.</param>
internal sealed record Source(HttpResponseMessage Response, Stream Content, long Offset, long? TotalBytes, string Validator)
    : IDisposable
{
    public void Dispose() => Response.Dispose();
}

/// <summary>
/// Opens URLs for users, at public addresses only: the check is of the address that is connected to, after the name was
/// resolved, so that no name can stand for one address while it is looked at and for another when it is used. Redirects are
/// followed by hand, each under the same rules.
/// </summary>
internal sealed class Sources : IDisposable
{
    const int MaxRedirects = 5;

    readonly HttpClient client;
    readonly PublicAddresses addresses;
    readonly ImportOptions options;

    public Sources(ImportOptions options)
    {
        this.options = options;
        addresses = new PublicAddresses(options.Allow);
        client = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            // What it connects to would not be what is asked for.
            UseProxy = false,
            AutomaticDecompression = DecompressionMethods.None,
            MaxResponseHeadersLength = 64,
            PooledConnectionLifetime = TimeSpan.FromMinutes(1),
            ConnectCallback = ConnectAsync,
        })
        { Timeout = Timeout.InfiniteTimeSpan };
        client.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("Monolith", "1"));
    }

    /// <param name="offset">Where to go on; 0: from the beginning.</param>
    /// <param name="validator">Of the content that the bytes before are of; empty when that is not known.</param>
    /// <exception cref="ImportProblem">It could not be opened.</exception>
    public async Task<Source> OpenAsync(Uri url, long offset, string validator, CancellationToken cancel)
    {
        for (var redirects = 0; ; redirects++)
        {
            var response = await SendAsync(url, offset, validator, cancel);
            try
            {
                if (Redirect(response) is { } next)
                {
                    if (redirects == MaxRedirects)
                        throw new ImportProblem("TOO_MANY_REDIRECTS",
                            $"the address leads to another one more than {MaxRedirects} times; give the last one", passes: false);
                    url = Follow(url, next);
                    response.Dispose();
                    continue;
                }
                return await ReadAsync(response, offset, cancel);
            }
            catch
            {
                response.Dispose();
                throw;
            }
        }
    }

    async Task<HttpResponseMessage> SendAsync(Uri url, long offset, string validator, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        request.Headers.AcceptEncoding.Add(new("identity"));
        if (offset > 0)
        {
            request.Headers.Range = new(offset, null);
            if (validator.Length > 0) request.Headers.TryAddWithoutValidation("If-Range", validator);
        }
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        silence.CancelAfter(options.Silence);
        try
        {
            return await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, silence.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new ImportProblem("NO_ANSWER", $"{url.Host} did not answer within {options.Silence.TotalSeconds:0.#} s", passes: true);
        }
        catch (HttpRequestException e)
        {
            throw Explain(e, url);
        }
    }

    static Uri? Redirect(HttpResponseMessage response) => response.StatusCode is HttpStatusCode.MovedPermanently
        or HttpStatusCode.Found or HttpStatusCode.SeeOther or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect
            ? response.Headers.Location : null;

    static Uri Follow(Uri from, Uri to)
    {
        to = new Uri(from, to);
        if (to.Scheme != Uri.UriSchemeHttps && (to.Scheme != Uri.UriSchemeHttp || from.Scheme == Uri.UriSchemeHttps)
            || to.UserInfo.Length > 0)
            throw new ImportProblem("REDIRECT_REFUSED",
                $"{from.Host} leads to {to.Scheme}://{to.Host}: only http and https are followed, and never from https to http",
                passes: false);
        return to;
    }

    static async Task<Source> ReadAsync(HttpResponseMessage response, long offset, CancellationToken cancel)
    {
        var headers = response.Content.Headers;
        var from = 0L;
        switch (response.StatusCode)
        {
            case HttpStatusCode.OK: break;
            case HttpStatusCode.PartialContent when offset > 0 && headers.ContentRange is { From: { } first } && first == offset:
                from = first;
                break;
            case HttpStatusCode.PartialContent or HttpStatusCode.RequestedRangeNotSatisfiable when offset > 0:
                throw new ImportProblem("RANGE_REFUSED", "the other side does not give the rest; all of it is fetched anew", passes: true);
            case var status:
                throw new ImportProblem("HTTP_STATUS", $"the other side answered {(int)status} {response.ReasonPhrase}",
                    passes: (int)status is 408 or 425 or 429 or >= 500);
        }
        if (headers.ContentEncoding.Count > 0)
            throw new ImportProblem("ENCODED", "the other side sends it compressed, unasked", passes: false);
        var total = from > 0 ? headers.ContentRange!.Length : headers.ContentLength;
        // A weak ETag says that it means the same, not that it is the same bytes.
        var validator = response.Headers.ETag is { IsWeak: false } etag ? etag.Tag
            : response.Headers.ETag is null && headers.LastModified is { } date ? date.ToString("R") : "";
        return new(response, await response.Content.ReadAsStreamAsync(cancel), from, total, validator);
    }

    async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancel)
    {
        var to = context.DnsEndPoint;
        var resolved = IPAddress.TryParse(to.Host, out var literal) ? [literal] : await System.Net.Dns.GetHostAddressesAsync(to.Host, cancel);
        var open = resolved.Where(addresses.Allows).ToArray();
        if (open.Length == 0)
            throw new ImportProblem("ADDRESS_NOT_ALLOWED",
                $"{to.Host} is at no address that images are fetched from: only public ones are, and those that the operators allow",
                passes: false);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(open, to.Port, cancel);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    static ImportProblem Explain(HttpRequestException e, Uri url)
    {
        for (Exception? cause = e; cause is not null; cause = cause.InnerException)
            switch (cause)
            {
                case ImportProblem problem: return problem;
                case System.Security.Authentication.AuthenticationException:
                    return new("TLS_FAILED", $"{url.Host} has no certificate that is trusted here: {cause.Message}", passes: false, e);
                case SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain }:
                    return new("NAME_NOT_FOUND", $"{url.Host} has no address", passes: true, e);
            }
        return new("CONNECT_FAILED", $"{url.Host} could not be asked: {e.Message}", passes: true, e);
    }

    public void Dispose() => client.Dispose();
}
