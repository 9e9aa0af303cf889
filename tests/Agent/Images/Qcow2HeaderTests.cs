using System.Buffers.Binary;
using CsCheck;
using Monolith.Agent.Images;
using Monolith.Agent.Native.Safe;
using Monolith.Agent.Tests.Vms;
using Monolith.Disks;

namespace Monolith.Agent.Tests.Images;

public sealed class Qcow2HeaderTests
{
    /// <summary>Headers as QEMU itself writes them.</summary>
    [Theory]
    [Trait("Needs", "qemu")]
    [InlineData(null, "")]
    [InlineData(null, "-o compat=0.10")]
    [InlineData(null, "-o compression_type=zstd,extended_l2=on")]
    [InlineData("backing file", "-F raw -b /etc/passwd")]
    [InlineData("external data file", "-o data_file=other.raw")]
    [InlineData("encrypted", "-o encrypt.format=aes,encrypt.key-secret=s --object secret,id=s,data=x")]
    [InlineData("over 64 TiB", "-o size=65T")]
    public async Task Refuse_WhatQemuMakes_IsJudged(string? refusal, string options)
    {
        using var scratch = new Scratch();
        var arguments =
            $"create -q -f qcow2 {options} x.qcow2 {(options.Contains("size", StringComparison.Ordinal) ? "" : "3M")}";
        var made = await ProcessCommand.RunAsync(
            "qemu-img", arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries), scratch.Path,
            TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.True(made.Succeeded, made.Output);
        var reason = ImageInspection.Refuse(scratch.In("x.qcow2"), DiskFormat.Qcow2);
        if (refusal is null) Assert.Null(reason);
        else Assert.Contains(refusal, reason, StringComparison.Ordinal);
        Assert.NotNull(ImageInspection.Refuse(scratch.In("x.qcow2"), DiskFormat.Raw));
    }

    [Theory]
    [InlineData(4, 4u, "version")]
    [InlineData(20, 8u, "cluster size")]
    [InlineData(20, 0xffffffffu, "cluster size")]
    [InlineData(8, 1u, "backing file")]
    [InlineData(16, 1u, "backing file")]
    [InlineData(32, 2u, "encrypted")]
    [InlineData(24, 0x80000000u, "64 TiB")]
    [InlineData(72, 0x1u, "not known")]
    [InlineData(76, 4u, "data file")]
    [InlineData(76, 2u, "corrupt")]
    [InlineData(60, 3u, "3 snapshots")]
    [InlineData(96, 7u, "reference counts")]
    [InlineData(100, 8u, "length")]
    public void Refuse_Field_IsNamed(int offset, uint value, string refusal)
    {
        var head = Good();
        BinaryPrimitives.WriteUInt32BigEndian(head.AsSpan(offset), value);
        Assert.Contains(refusal, Qcow2Header.Refuse(head, out _), StringComparison.Ordinal);
    }

    [Fact]
    public void Refuse_AnyHeader_NeverThrowsAndTakesOnlySafeOnes() =>
        Gen.Select(Gen.Int[0, Qcow2Header.Length - 1], Gen.Byte, Gen.Int[0, Qcow2Header.Length]).Array[0, 6].Sample(
            edits =>
        {
            var head = Good().AsSpan();
            foreach (var (at, value, _) in edits) head[at] = value;
            if (edits is [var (_, _, length), ..]) head = head[..length];
            return Qcow2Header.Refuse(head, out var header) is not null
                || header is
                {
                    HasBackingFile: false, HasDataFile: false, IsEncrypted: false,
                    ClusterBits: >= 9 and <= 21
                }
                && header.VirtualSize is > 0 and <= (ulong)DiskInspection.MaxVirtualBytes;
        });

    [Fact]
    public void Refuse_AnyBytes_NeverThrows() =>
        Gen.Byte.Array.Sample(bytes => Qcow2Header.Refuse(bytes, out _) is not null);

    [Theory]
    [InlineData("sha256:0000000000000000000000000000000000000000000000000000000000000abc", true)]
    [InlineData("sha256:0000000000000000000000000000000000000000000000000000000000000ABC", false)]
    [InlineData("sha256:../../../../etc/passwd", false)]
    [InlineData("md5:00", false)]
    [InlineData(null, false)]
    public void Digest_IsStrict(string? text, bool valid) =>
        Assert.Equal(valid, ImageDigest.TryParse(text, null, out _));

    private static byte[] Good()
    {
        var head = new byte[Qcow2Header.Length];
        BinaryPrimitives.WriteUInt32BigEndian(head, 0x514649fb);
        BinaryPrimitives.WriteUInt32BigEndian(head.AsSpan(4), 3);
        BinaryPrimitives.WriteUInt32BigEndian(head.AsSpan(20), 16);
        BinaryPrimitives.WriteUInt64BigEndian(head.AsSpan(24), 1 << 20);
        BinaryPrimitives.WriteUInt32BigEndian(head.AsSpan(100), Qcow2Header.Length);
        Assert.Null(Qcow2Header.Refuse(head, out _));
        return head;
    }
}
