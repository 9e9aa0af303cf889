using System.Buffers.Binary;

namespace Monolith.Simulation.Tests.World;

/// <summary>UUIDv7 (RFC 9562, 5.7) of the simulated clock and the seed.</summary>
internal sealed class Uids(Scheduler scheduler, Random dice)
{
    public Guid Next()
    {
        Span<byte> bytes = stackalloc byte[16];
        dice.NextBytes(bytes);
        var milliseconds = (scheduler.Now - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMillisecond;
        BinaryPrimitives.WriteInt64BigEndian(bytes, milliseconds << 16 | (uint)bytes[6] << 8 | bytes[7]);
        bytes[6] = (byte)(bytes[6] & 0x0f | 0x70);
        bytes[8] = (byte)(bytes[8] & 0x3f | 0x80);
        return new Guid(bytes, bigEndian: true);
    }
}
