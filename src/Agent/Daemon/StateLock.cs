using Microsoft.Win32.SafeHandles;

namespace Monolith.Agent.Daemon;

/// <summary>One agent to a state directory. The kernel lets go of it when the process ends, however it ends.</summary>
internal sealed class StateLock : IDisposable
{
    private readonly SafeFileHandle handle;

    private StateLock(SafeFileHandle handle) => this.handle = handle;

    /// <returns>Null when another agent holds it.</returns>
    public static StateLock? TryTake(string stateDirectory)
    {
        try
        {
            return new StateLock(File.OpenHandle(
                Path.Combine(stateDirectory, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException e) when (e is not (FileNotFoundException or DirectoryNotFoundException))
        {
            return null;
        }
    }

    public void Dispose() => handle.Dispose();
}
