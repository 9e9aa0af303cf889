using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Monolith.Identity.Contracts;

namespace Monolith.Identity.Logins;

/// <summary>
/// Certificates as OpenSSH has them (PROTOCOL.certkeys), signed with ECDSA over P-256:
/// <code>
///   string type │ string nonce │ the key's own fields │ uint64 serial │ uint32 1 user, 2 host │ string key id
///   │ string (string principal …) │ uint64 valid after │ uint64 valid before │ string critical options
///   │ string (string extension, string "" …) │ string reserved │ string signing key │ string signature
/// </code>
/// Pure but for nonce and signature.
/// </summary>
internal static class SshCertificate
{
    const int NonceLength = 32;
    const string Curve = "nistp256", SigningType = "ecdsa-sha2-" + Curve;

    /// <summary>In this order, which readers ask for.</summary>
    static readonly string[] UserExtensions =
        ["permit-X11-forwarding", "permit-agent-forwarding", "permit-port-forwarding", "permit-pty", "permit-user-rc"];

    /// <returns>Type and base64.</returns>
    /// <exception cref="ArgumentException">It names nobody, and so would stand for everybody.</exception>
    public static string Sign(SshCertificateOrder order, bool isHost, ECDsa authority)
    {
        if (order.Principals.Count == 0 || order.Principals.Any(p => p.Length == 0 || p.Any(c => char.IsControl(c) || c is ',' or ' ')))
            throw new ArgumentException("A certificate needs principals, each of them a word.", nameof(order));
        var type = TypeOf(order.Key.Type);
        using var bytes = new MemoryStream();
        Text(bytes, type);
        Field(bytes, RandomNumberGenerator.GetBytes(NonceLength));
        bytes.Write(order.Key.Fields);
        Number(bytes, order.Serial);
        bytes.Write([0, 0, 0, isHost ? (byte)2 : (byte)1]);
        Text(bytes, order.KeyId);
        Field(bytes, Listed(order.Principals, (list, principal) => Text(list, principal)));
        Number(bytes, Seconds(order.NotBefore));
        Number(bytes, Seconds(order.NotAfter));
        Field(bytes, []);
        Field(bytes, Listed(isHost ? [] : UserExtensions, (list, extension) =>
        {
            Text(list, extension);
            Field(list, []);
        }));
        Field(bytes, []);
        Field(bytes, PublicKey(authority));
        Field(bytes, Signature(authority, bytes.ToArray()));
        return $"{type} {Convert.ToBase64String(bytes.ToArray())}";
    }

    /// <summary>The blob of a P-256 key (RFC 5656, 3.1).</summary>
    public static byte[] PublicKey(ECDsa key)
    {
        var point = key.ExportParameters(includePrivateParameters: false).Q;
        using var bytes = new MemoryStream();
        Text(bytes, SigningType);
        Text(bytes, Curve);
        Field(bytes, [4, .. point.X!, .. point.Y!]);
        return bytes.ToArray();
    }

    static string TypeOf(string key) => key.EndsWith("@openssh.com", StringComparison.Ordinal)
        ? key[..key.IndexOf('@')] + "-cert-v01@openssh.com"
        : key + "-cert-v01@openssh.com";

    /// <summary>RFC 5656, 3.1.2: two numbers.</summary>
    static byte[] Signature(ECDsa authority, byte[] data)
    {
        var both = authority.SignData(data, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        using var signature = new MemoryStream();
        Text(signature, SigningType);
        Field(signature, Listed([both[..(both.Length / 2)], both[(both.Length / 2)..]], (list, number) => Field(list, Integer(number))));
        return signature.ToArray();
    }

    /// <summary>RFC 4251, 5, mpint: no zeros in front but one that keeps it positive.</summary>
    static byte[] Integer(ReadOnlySpan<byte> number)
    {
        number = number.TrimStart((byte)0);
        return number.IsEmpty || number[0] < 0x80 ? number.ToArray() : [0, .. number];
    }

    static byte[] Listed<T>(IEnumerable<T> items, Action<MemoryStream, T> write)
    {
        using var list = new MemoryStream();
        foreach (var item in items) write(list, item);
        return list.ToArray();
    }

    static ulong Seconds(DateTime time) => (ulong)Math.Max(0, new DateTimeOffset(time, TimeSpan.Zero).ToUnixTimeSeconds());

    static void Text(MemoryStream to, string text) => Field(to, Encoding.UTF8.GetBytes(text));

    static void Field(MemoryStream to, ReadOnlySpan<byte> field)
    {
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, field.Length);
        to.Write(length);
        to.Write(field);
    }

    static void Number(MemoryStream to, ulong number)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, number);
        to.Write(bytes);
    }
}
