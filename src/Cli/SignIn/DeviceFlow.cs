using System.Globalization;
using Monolith.Cli.Session;
using Monolith.Cli.Waiting;
using Monolith.Identity.V1;

namespace Monolith.Cli.SignIn;

/// <summary>
/// The device authorization grant (RFC 8628): a person says yes in a browser, on whatever machine that is, while the command
/// asks the provider every few seconds whether they have.
/// <code>
///   discovery ──▶ device authorization ──▶ "open … and enter …" ──▶ token? ─┬─ pending: again after the interval
///                                                                           ├─ slow_down: 5 s more between
///                                                                           ├─ no answer: twice as long between
///                                                                           ├─ denied, expired: the end
///                                                                           └─ ID token
/// </code>
/// </summary>
internal sealed class DeviceFlow(ProviderClient client, SignInProvider provider, Surroundings around)
{
    static readonly TimeSpan Slower = TimeSpan.FromSeconds(5), DefaultInterval = TimeSpan.FromSeconds(5), Longest = TimeSpan.FromMinutes(1);
    static readonly TimeSpan DefaultLife = TimeSpan.FromMinutes(10);

    /// <param name="patience">No longer than this, and no longer than the provider's code is good.</param>
    /// <returns>The ID token.</returns>
    /// <exception cref="WaitException">It came to nothing.</exception>
    public async Task<string> RunAsync(TimeSpan patience, CancellationToken cancel)
    {
        var endpoints = await client.DiscoverAsync(provider.Issuer, cancel);
        var began = around.Time.GetTimestamp();
        var device = await client.PostAsync(endpoints.Device, [new("client_id", provider.ClientId), new("scope", string.Join(' ', provider.Scopes))], cancel);
        if (device is not { Error.Length: 0 } || device.Text("device_code") is not { Length: > 0 } code)
            throw new WaitException($"{provider.Issuer} begins no sign-in on a device: {device.Reason}. Its client {provider.ClientId} must be public, "
                + "and allowed the device flow.", ExitCode.Failed);
        Tell(device);
        var life = device.Seconds("expires_in") is { } seconds && seconds > TimeSpan.Zero ? seconds : DefaultLife;
        if (patience < life) life = patience;
        var interval = device.Seconds("interval") is { } asked && asked > TimeSpan.Zero ? asked : DefaultInterval;
        while (true)
        {
            if (around.Time.GetElapsedTime(began) + interval > life)
                throw new WaitException("Nobody said yes in time. Try again: monolith login", ExitCode.WaitedTooLong);
            await Task.Delay(interval, around.Time, cancel);
            var answer = await client.PostAsync(endpoints.Token,
            [
                new("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), new("device_code", code), new("client_id", provider.ClientId),
            ], cancel);
            switch (answer)
            {
                case { Error.Length: 0 }:
                    return answer.Text("id_token") is { Length: > 0 } token ? token : throw new WaitException(
                        $"{provider.Issuer} gave no ID token. The scope openid must be among those that {provider.Name} asks for.", ExitCode.Failed);
                case { Error: "authorization_pending" }:
                    break;
                case { Error: "slow_down" }:
                    interval += Slower;
                    break;
                case { Error: ProviderClient.NoAnswer }:
                    interval = interval * 2 < Longest ? interval * 2 : Longest;
                    break;
                case { Error: "access_denied" }:
                    throw new WaitException("The sign-in was denied in the browser.", ExitCode.NotAllowed);
                case { Error: "expired_token" }:
                    throw new WaitException("The code has expired before anybody said yes. Try again: monolith login", ExitCode.WaitedTooLong);
                default:
                    throw new WaitException($"{provider.Issuer} refuses the sign-in: {answer.Reason}.", ExitCode.Failed);
            }
        }
    }

    void Tell(Answer device)
    {
        // Some write it so.
        var address = ProviderClient.Shown(device.Text("verification_uri") is { Length: > 0 } given ? given : device.Text("verification_url"));
        around.Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"Open {address} on any device, and enter the code {around.ErrorInk.Bold(ProviderClient.Shown(device.Text("user_code")))}"));
        if (device.Text("verification_uri_complete") is { Length: > 0 } complete)
            around.Error.WriteLine($"Or open {ProviderClient.Shown(complete)}, and see that it shows the same code.");
    }
}
