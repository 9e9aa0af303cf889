using Monolith.Platform.Faults;

namespace Monolith.Identity.Sessions;

/// <summary>Argon2id takes 64 MiB and a processor each time: few at a time, and few who wait.</summary>
internal sealed class PasswordWork : IDisposable
{
    const int AtATime = 2, MostWaiting = 32;
    static readonly TimeSpan Later = TimeSpan.FromSeconds(2);

    readonly SemaphoreSlim free = new(AtATime);
    int there;

    public Task<string> HashAsync(string password, CancellationToken cancel) => RunAsync(() => Password.Hash(password), cancel);

    public Task<bool> VerifyAsync(string password, string kept, CancellationToken cancel) => RunAsync(() => Password.Verify(password, kept), cancel);

    /// <exception cref="Fault">RESOURCE_EXHAUSTED.</exception>
    async Task<T> RunAsync<T>(Func<T> work, CancellationToken cancel)
    {
        if (Interlocked.Increment(ref there) > AtATime + MostWaiting)
        {
            Interlocked.Decrement(ref there);
            throw Fault.Exhausted("SIGN_IN_BUSY", "Too many sign in at once. Try again a little later.", Later);
        }
        try
        {
            await free.WaitAsync(cancel);
            try
            {
                return await Task.Run(work, cancel);
            }
            finally
            {
                free.Release();
            }
        }
        finally
        {
            Interlocked.Decrement(ref there);
        }
    }

    public void Dispose() => free.Dispose();
}
