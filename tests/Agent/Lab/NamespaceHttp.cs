using System.Net;
using System.Net.Sockets;
using Monolith.Agent.Native.Safe;

namespace Monolith.Agent.Tests.Lab;

/// <summary>HTTP from inside a namespace, with .NET's own client.</summary>
internal static class NamespaceHttp
{
    public static async Task<(HttpStatusCode Status, string Body)> SendAsync(
        TestNamespace from, HttpMethod method, string url, TimeSpan timeout, IPAddress? source = null,
        int port = 0, string? body = null)
    {
        using var thread = new NamespaceThread("http", from.Path);
        using var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (context, cancellation) =>
            {
                var socket = await thread.RunAsync(
                    () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp), cancellation);
                if (source is not null || port > 0)
                    socket.Bind(new IPEndPoint(source ?? IPAddress.Any, port));
                await socket.ConnectAsync(context.DnsEndPoint, cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        using var client = new HttpClient(handler) { Timeout = timeout };
        using var request = new HttpRequestMessage(method, url) { Content = body is null ? null : new StringContent(body) };
        using var response = await client.SendAsync(request, DataPlaneLab.Cancellation);
        return (response.StatusCode, await response.Content.ReadAsStringAsync(DataPlaneLab.Cancellation));
    }
}
