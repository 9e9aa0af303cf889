using System.Diagnostics;
using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Core;
using Monolith.Image.V1;
using Monolith.Modules.Tests.Calls;
using static Monolith.Image.V1.Image.Types;
using Status = Monolith.Api.V1.Condition.Types.Status;

namespace Monolith.Modules.Tests.Images;

/// <summary>An image is kept as it was asked for, whatever it came as, and says what it was made of.</summary>
public sealed class ConversionTests
{
    static readonly byte[] Disk = Fill();

    static byte[] Fill()
    {
        var disk = new byte[4 << 20];
        new Random(7).NextBytes(disk.AsSpan(1 << 20, 100_000));
        return disk;
    }

    static string Sum(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));

    sealed class Reader(IReadOnlyList<UploadImageRequest> messages) : IAsyncStreamReader<UploadImageRequest>
    {
        int at = -1;

        public UploadImageRequest Current => messages[at];

        public Task<bool> MoveNext(CancellationToken cancellationToken) => Task.FromResult(++at < messages.Count);
    }

    static Task<Image.V1.Image> UploadAsync(ImportHost host, byte[] content, Format storeAs) => host.Images.UploadImage(new Reader(
    [
        new() { Header = new() { Parent = "projects/demo", ImageId = "debian", StoreAs = storeAs } },
        .. content.Chunk(1 << 20).Select(c => new UploadImageRequest { Chunk = ByteString.CopyFrom(c) }),
    ]), new FakeCall());

    static async Task<byte[]> DownloadAsync(ImportHost host)
    {
        var stream = new TestStream<DownloadImageResponse>();
        await host.Images.DownloadImage(new DownloadImageRequest { Name = ImportHost.Name }, stream, new FakeCall());
        var content = new MemoryStream();
        while (!stream.IsEmpty)
            if ((await stream.NextAsync()).Chunk is { } chunk) chunk.WriteTo(content);
        return content.ToArray();
    }

    static byte[] Qemu(byte[] content, string from, string to)
    {
        var directory = Directory.CreateTempSubdirectory("monolith-");
        try
        {
            var (source, target) = (Path.Combine(directory.FullName, "a"), Path.Combine(directory.FullName, "b"));
            File.WriteAllBytes(source, content);
            using var qemu = Process.Start("qemu-img", ["convert", "-f", from, "-O", to, source, target]);
            qemu.WaitForExit();
            Assert.Equal(0, qemu.ExitCode);
            return File.ReadAllBytes(target);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData(Format.Raw, Format.Qcow2)]
    [InlineData(Format.Qcow2, Format.Raw)]
    [InlineData(Format.Raw, Format.Raw)]
    [InlineData(Format.Qcow2, Format.Qcow2)]
    public async Task AnUpload_IsKeptAsItWasAskedFor(Format from, Format to)
    {
        await using var database = await TestDatabases.MakeAsync("sqlite");
        await using var host = await ImportHost.StartAsync(database.Options);
        var content = from == Format.Raw ? Disk : Qemu(Disk, "raw", "qcow2");
        var image = await UploadAsync(host, content, to);
        Assert.Equal((State.Ready, to, (long)Disk.Length), (image.State, image.Format, image.VirtualSizeBytes));
        Assert.Equal(from == to ? ("", Format.Unspecified) : (Sum(content), from), (image.SourceSha256, image.SourceFormat));
        var kept = await DownloadAsync(host);
        Assert.Equal((Sum(kept), (long)kept.Length), (image.Sha256, image.SizeBytes));
        Assert.Equal(Disk, to == Format.Raw ? kept : Qemu(kept, "qcow2", "raw"));
        if (to == Format.Qcow2) Assert.True(kept.Length < Disk.Length / 2, "what is empty does not travel");
        Assert.Equal([image.Sha256], host.Files("sha256"));
        Assert.Empty(host.Files("incoming"));
    }

    [Fact]
    public async Task AnImport_IsKeptAsItWasAskedFor()
    {
        await using var database = await TestDatabases.MakeAsync("sqlite");
        await using var host = await ImportHost.StartAsync(database.Options);
        await using var source = new HttpSource((request, answer) => answer.ContentAsync(request, Disk));
        var image = await host.ImportAsync(source.Url(), Sum(Disk), storeAs: Format.Qcow2);
        Assert.Equal(["Fetched", "Verified", "Converted"], image.Conditions.Select(c => c.Type));
        image = await host.EndAsync();
        Assert.Equal((State.Ready, Format.Qcow2, Sum(Disk), Format.Raw),
            (image.State, image.Format, image.SourceSha256, image.SourceFormat));
        Assert.All(image.Conditions, c => Assert.Equal(Status.True, c.Status));
        Assert.Equal(Disk, Qemu(await DownloadAsync(host), "qcow2", "raw"));
        Assert.Empty(host.Files("incoming"));
    }

    /// <summary>A disk whose guest wrote what looks like an image: as raw it would be that to who guesses.</summary>
    [Fact]
    public async Task WhatComesOut_IsLookedAt_AsIfATenantHadSentIt()
    {
        await using var database = await TestDatabases.MakeAsync("sqlite");
        await using var host = await ImportHost.StartAsync(database.Options);
        var inner = Qcow2File.Good();
        Qcow2File.Eight(inner, Qcow2File.BackingOffset, 200);
        var dressed = Qemu([.. inner, .. new byte[1 << 20]], "raw", "qcow2");
        // As what it is, it is harmless.
        Assert.Equal(Format.Qcow2, (await UploadAsync(host, dressed, Format.Unspecified)).Format);
        await host.Images.DeleteImage(new DeleteImageRequest { Name = ImportHost.Name }, new FakeCall());
        var fault = await Expect.FaultAsync(StatusCode.InvalidArgument, "INVALID_REQUEST",
            () => UploadAsync(host, dressed, Format.Raw));
        Assert.Contains("backing file", Assert.Single(fault.Fields).Description, StringComparison.Ordinal);
        Assert.Empty(host.Files("sha256"));
        Assert.Empty(host.Files("incoming"));
    }

    [Fact]
    public async Task AHostThatCanNot_SaysWhatItLacks_BeforeAnythingIsSent()
    {
        await using var database = await TestDatabases.MakeAsync("sqlite");
        await using var host = await ImportHost.StartAsync(database.Options, qemuImg: "/usr/bin/no-qemu-img");
        var fault = await Expect.FaultAsync(StatusCode.FailedPrecondition, "CONVERSION_UNAVAILABLE",
            () => UploadAsync(host, Disk, Format.Qcow2));
        Assert.Contains("install the package qemu-utils", fault.Message, StringComparison.Ordinal);
        await Expect.FaultAsync(StatusCode.FailedPrecondition, "CONVERSION_UNAVAILABLE",
            () => host.ImportAsync("https://images.example.com/disk", storeAs: Format.Raw));
        Assert.Equal(Format.Raw, (await UploadAsync(host, Disk, Format.Unspecified)).Format);
    }

    /// <summary>What qemu-img can not read is its refusal, not a failure of ours.</summary>
    [Fact]
    public async Task AnImage_ThatQemuRefuses_IsRefused_WithItsWords()
    {
        await using var database = await TestDatabases.MakeAsync("sqlite");
        await using var host = await ImportHost.StartAsync(database.Options);
        var content = Qemu(Disk, "raw", "qcow2");
        // Data that is said to be compressed, and is not.
        var l2 = (int)System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(content.AsSpan(
            (int)System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(content.AsSpan(40)))) & 0x00ff_fe00;
        var at = Enumerable.Range(0, 64).First(i => content.AsSpan(l2 + 8 * i, 8).ContainsAnyExcept((byte)0));
        content[l2 + 8 * at] = 0x40;
        var fault = await Expect.FaultAsync(StatusCode.InvalidArgument, "INVALID_REQUEST",
            () => UploadAsync(host, content, Format.Raw));
        Assert.Contains("qemu-img ended with", Assert.Single(fault.Fields).Description, StringComparison.Ordinal);
        Assert.Empty(host.Files("incoming"));
    }
}
