using System.Reflection;

namespace Monolith.Agent.Network.Metadata;

/// <summary>Whom the guest's SSH server is to let in by a certificate. Immutable.</summary>
/// <param name="Authorities">Public keys of those who sign, type and base64.</param>
/// <param name="RootPrincipal">What a certificate must name for root, and for accounts that may become root.</param>
/// <param name="Principal">For all others.</param>
/// <param name="Revision">Greater in what was told later.</param>
public sealed record GuestLogin(IReadOnlyList<string> Authorities, string RootPrincipal, string Principal, long Revision = 0)
{
    private static readonly Lazy<string> Script = new(() =>
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("Monolith.Agent.Guest.login.sh")
            ?? throw new InvalidOperationException("login.sh is not in this program.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    });

    /// <summary>
    /// What cloud-init does with it all. A boot hook, since those run before the SSH server starts, and are not replaced by
    /// what the user's own data says.
    /// </summary>
    public string VendorData() => "#cloud-boothook\n" + Script.Value
        .Replace("@AUTHORITIES@", string.Join('\n', Authorities), StringComparison.Ordinal)
        .Replace("@ROOT@", RootPrincipal, StringComparison.Ordinal)
        .Replace("@LOGIN@", Principal, StringComparison.Ordinal);
}
