using System.Globalization;
using System.Security.Cryptography;
using Monolith.Image.Blobs;
using Monolith.Image.Images;

namespace Monolith.Image.Imports;

/// <summary>All of it, on the disk.</summary>
internal sealed record Downloaded(string Path, string Sha256, long SizeBytes);

/// <param name="ReceivedBytes">On the disk.</param>
/// <param name="TotalBytes">Null when it is not said.</param>
/// <param name="Validator">Of the content that they are of.</param>
internal sealed record DownloadProgress(long ReceivedBytes, long? TotalBytes, string Validator)
{
    /// <summary>For people.</summary>
    public string Words => TotalBytes is { } total ? $"{Mib(ReceivedBytes)} of {Mib(total)} MiB" : $"{Mib(ReceivedBytes)} MiB";

    static string Mib(long bytes) => (bytes / (double)(1 << 20)).ToString("0.#", CultureInfo.InvariantCulture);
}

/// <summary>
/// Fetches the rest of an import's content after what is on the disk already, which is as much as the row says: progress is
/// written after a flush, so that what counts as received has survived. The rest is asked for only where something tells
/// that it is of the same content: the source's validator, or the digest that the user gave.
/// </summary>
internal sealed class Download(Sources sources, BlobStore blobs, ImageOptions options, TimeProvider time)
{
    const int BufferBytes = 1 << 18;

    /// <summary>A transfer under way.</summary>
    sealed class Transfer(FileStream file, IncrementalHash hash, DownloadProgress begun, long since)
    {
        public FileStream File => file;
        public IncrementalHash Hash => hash;
        public DownloadProgress Now { get; set; } = begun;
        public long Since { get; set; } = since;

        /// <summary>As it was told last.</summary>
        public long Said { get; set; } = -1;
    }

    /// <param name="say">Told what is on the disk; false: it is not wanted any more.</param>
    /// <exception cref="ImportProblem">It did not come.</exception>
    public async Task<Downloaded> RunAsync(ImportId id, ImageRow row, Func<DownloadProgress, Task<bool>> say, CancellationToken cancel)
    {
        var import = row.Import!;
        var path = blobs.PartialOf(id);
        await using var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 0, FileOptions.Asynchronous);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var same = row.ImportValidator.Length > 0 || import.Sha256.Length > 0;
        var have = same && file.Length >= import.ReceivedBytes ? import.ReceivedBytes : 0;
        var transfer = new Transfer(file, hash,
            new(have, import.TotalBytes > 0 ? import.TotalBytes : null, row.ImportValidator), time.GetTimestamp());
        file.SetLength(have);
        await HashAsync(transfer, cancel);
        if (have == 0 || have != transfer.Now.TotalBytes) await FetchAsync(transfer, new(import.Url), import.MaxSizeBytes, say, cancel);
        file.Flush(flushToDisk: true);
        return new(path, Convert.ToHexStringLower(hash.GetHashAndReset()), transfer.Now.ReceivedBytes);
    }

    static async Task HashAsync(Transfer transfer, CancellationToken cancel)
    {
        var buffer = new byte[BufferBytes];
        int read;
        while ((read = await transfer.File.ReadAsync(buffer, cancel)) > 0) transfer.Hash.AppendData(buffer, 0, read);
    }

    async Task FetchAsync(Transfer transfer, Uri url, long max, Func<DownloadProgress, Task<bool>> say, CancellationToken cancel)
    {
        using var source = await OpenAsync(transfer, url, cancel);
        if (source.TotalBytes > max) throw TooLarge(max);
        if (source.Offset == 0) Restart(transfer);
        transfer.Now = new(source.Offset, source.TotalBytes, source.Validator);
        await SayAsync(transfer, say, cancel);
        var buffer = new byte[BufferBytes];
        try
        {
            while (await ReadAsync(source, transfer, buffer, url, say, cancel) is > 0 and var read)
            {
                var received = transfer.Now.ReceivedBytes + read;
                if (received > max) throw TooLarge(max);
                transfer.Hash.AppendData(buffer, 0, read);
                await transfer.File.WriteAsync(buffer.AsMemory(0, read), cancel);
                transfer.Now = transfer.Now with { ReceivedBytes = received };
                if (time.GetElapsedTime(transfer.Since) >= options.Import.ProgressEvery) await SayAsync(transfer, say, cancel);
            }
        }
        catch (ImportProblem e) when (e.Passes)
        {
            // What came is not fetched again.
            await SayAsync(transfer, say, cancel);
            throw;
        }
        if (transfer.Now.TotalBytes is { } total && total != transfer.Now.ReceivedBytes)
        {
            await SayAsync(transfer, say, cancel);
            throw BrokeOff(url, transfer.Now.ReceivedBytes);
        }
        transfer.Now = transfer.Now with { TotalBytes = transfer.Now.ReceivedBytes };
        await SayAsync(transfer, say, cancel);
    }

    async Task<Source> OpenAsync(Transfer transfer, Uri url, CancellationToken cancel)
    {
        var have = transfer.Now.ReceivedBytes;
        try
        {
            return await sources.OpenAsync(url, have, transfer.Now.Validator, cancel);
        }
        catch (ImportProblem e) when (e.Reason == "RANGE_REFUSED")
        {
            return await sources.OpenAsync(url, 0, "", cancel);
        }
    }

    static void Restart(Transfer transfer)
    {
        transfer.File.SetLength(0);
        transfer.File.Position = 0;
        transfer.Hash.GetHashAndReset();
    }

    async Task SayAsync(Transfer transfer, Func<DownloadProgress, Task<bool>> say, CancellationToken cancel)
    {
        transfer.File.Flush(flushToDisk: true);
        (transfer.Since, transfer.Said) = (time.GetTimestamp(), transfer.Now.ReceivedBytes);
        if (!await say(transfer.Now)) throw new OperationCanceledException("The image is gone.", cancel);
    }

    /// <summary>Reads; what came before is told while nothing comes.</summary>
    async Task<int> ReadAsync(Source source, Transfer transfer, byte[] buffer, Uri url, Func<DownloadProgress, Task<bool>> say,
        CancellationToken cancel)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        silence.CancelAfter(options.Import.Silence);
        var reading = source.Content.ReadAsync(buffer, silence.Token).AsTask();
        if (!reading.IsCompleted && transfer.Said < transfer.Now.ReceivedBytes
            && await Task.WhenAny(reading, Task.Delay(options.Import.ProgressEvery, time, silence.Token)) != reading)
            await SayAsync(transfer, say, cancel);
        try
        {
            return await reading;
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new ImportProblem("STALLED", $"{url.Host} sent nothing for {options.Import.Silence.TotalSeconds:0.#} s", passes: true);
        }
        // The network's, not the disk's: only the source is read here.
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            throw new ImportProblem("BROKE_OFF", $"{url.Host} broke off: {e.Message}", passes: true, e);
        }
    }

    static ImportProblem BrokeOff(Uri url, long at) => new("BROKE_OFF", $"{url.Host} ended after {at} bytes, before it was complete", passes: true);

    static ImportProblem TooLarge(long max) => new("TOO_LARGE", $"there is more than the {max} bytes that are taken", passes: false);
}
