using Monolith.Events.V1;

namespace Monolith.Protos;

/// <summary>Follows entries of an audit log, one after the other, and says where one does not follow: for the cloud and for who
/// has no more than an export. Not thread-safe.</summary>
/// <param name="after">The place of the entry before the first.</param>
/// <param name="digest">That entry's; empty before the first of all, and where nobody knows it.</param>
public sealed class AuditChain(long after, byte[] digest)
{
    /// <summary>The last entry that follows.</summary>
    public long Through { get; private set; } = after;

    /// <summary>Of that entry.</summary>
    public byte[] Digest { get; private set; } = digest;

    /// <summary>Whether the next entry can be proved: what it joins on to is known.</summary>
    public bool IsJoined => Through == 0 || Digest.Length > 0;

    /// <returns>What is wrong with it, for people; null: it follows. What nobody can prove is taken as it is.</returns>
    public string? Add(AuditEntry entry)
    {
        if (entry.Sequence != Through + 1) return $"Entry {Through + 1} is missing: the next one is {entry.Sequence}.";
        if (IsJoined && !entry.Digest.Span.SequenceEqual(AuditDigest.Of(Digest, entry)))
            return $"Entry {entry.Sequence} is not what was written, or follows another entry than it was written after: its digest does not fit.";
        (Through, Digest) = (entry.Sequence, entry.Digest.ToByteArray());
        return null;
    }
}
