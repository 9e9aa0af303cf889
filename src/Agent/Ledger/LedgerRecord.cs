using Google.Protobuf;

namespace Monolith.Agent.Ledger;

/// <summary>One change of a keyed set.</summary>
/// <param name="Key">Id of the item; unique within one ledger.</param>
/// <param name="Generation">Of the item; 0 for a drop.</param>
/// <param name="Body">The item as protobuf bytes; null drops the key.</param>
internal readonly record struct LedgerRecord(string Key, ulong Generation, ByteString? Body)
{
    public static LedgerRecord Put(string key, ulong generation, IMessage body) =>
        new(key, generation, body.ToByteString());

    public static LedgerRecord Drop(string key) => new(key, 0, null);
}
