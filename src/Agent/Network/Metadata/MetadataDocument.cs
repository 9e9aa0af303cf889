using System.Net;
using Grpc.Core;

namespace Monolith.Agent.Network.Metadata;

/// <summary>What a guest may know about itself. Immutable.</summary>
/// <param name="InstanceId">The server's uid: cloud-init does its first-boot work once for each value.</param>
/// <param name="Hostname">Name, with or without a domain.</param>
/// <param name="PublicKeys">SSH keys in authorized_keys form, by name.</param>
/// <param name="UserData">The user's bytes, as they came; empty when there are none.</param>
/// <param name="AvailabilityZone">Zone's name.</param>
/// <param name="Meta">The owner's own entries.</param>
/// <param name="Login">Null: nobody logs in by a certificate.</param>
public sealed record MetadataDocument(
    string InstanceId,
    string Hostname,
    IReadOnlyList<KeyValuePair<string, string>> PublicKeys,
    ReadOnlyMemory<byte> UserData,
    string AvailabilityZone,
    IReadOnlyDictionary<string, string>? Meta = null,
    GuestLogin? Login = null);

/// <summary>Gives the document of a port; null when the server has none (yet).</summary>
public interface IMetadataSource
{
    MetadataDocument? Find(string portId);

    /// <summary>Certificates for a guest's host keys, in their order.</summary>
    /// <exception cref="RpcException">The host refused, or was not reached.</exception>
    Task<IReadOnlyList<string>> CertifyAsync(string instanceId, IReadOnlyList<string> keys, CancellationToken cancellation) =>
        throw new RpcException(new Status(StatusCode.Unavailable, "nobody certifies host keys here"));
}

/// <summary>A document with the port that asked for it.</summary>
internal sealed record MetadataSubject(MetadataDocument Document, PortPlan Port, IPAddress Source);
