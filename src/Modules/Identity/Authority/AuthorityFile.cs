using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Monolith.Identity.Access;
using Use = Monolith.Identity.V1.CertificateAuthority.Types.Use;

namespace Monolith.Identity.Authority;

/// <summary>
/// <c>ca.pem</c> of the data directory, for people, whose clients are to trust the host: all authorities of nodes, the one that signs
/// first. Whichever host changed them, each keeps its own file.
/// </summary>
internal sealed partial class AuthorityFile(Authorities authorities, Registry registry, IdentityOptions options, TimeProvider time, ILogger<AuthorityFile> log)
    : BackgroundService
{
    static readonly TimeSpan Look = TimeSpan.FromSeconds(5);

    readonly SemaphoreSlim writing = new(1);
    object? written;
    bool isBroken;

    string FilePath => Path.Combine(options.DataDirectory, "ca.pem");

    /// <summary>Brings it up to date. What is committed is not undone by a disk that is full: it is tried again.</summary>
    public async Task WriteAsync(CancellationToken cancel)
    {
        await writing.WaitAsync(cancel);
        try
        {
            var known = registry.Known.Authorities;
            if (ReferenceEquals(known, written)) return;
            var text = string.Concat(authorities.Of(Use.Nodes).Select(a => a.Public.Text));
            if (!File.Exists(FilePath) || await File.ReadAllTextAsync(FilePath, cancel) != text)
                await PrivateFile.WriteAsync(FilePath, text, secret: false, cancel);
            (written, isBroken) = (known, false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (!isBroken) LogNotWritten(FilePath, e.Message);
            isBroken = true;
        }
        finally
        {
            writing.Release();
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(Look, time);
        while (await timer.WaitForNextTickAsync(stop)) await WriteAsync(stop);
    }

    public override void Dispose()
    {
        writing.Dispose();
        base.Dispose();
    }

    [LoggerMessage(LogLevel.Warning, "{Path} does not have the authorities that clients are to trust, and cannot be written ({Cause}). Make room, "
        + "or give clients what `monolith authority certificates` prints")]
    partial void LogNotWritten(string path, string cause);
}
