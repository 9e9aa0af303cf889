using System.Runtime.InteropServices;

namespace Monolith.Agent.Native.Raw;

/// <summary>
/// libc calls around processes that Tmds.LibC lacks. Names are libc's; sizes of opaque structures are upper bounds,
/// checked against the C headers by a test.
/// </summary>
internal static unsafe partial class ProcessCalls
{
    private const string Libc = "libc.so.6";

    /// <summary>Room for posix_spawnattr_t (336 bytes with glibc on 64 bits).</summary>
    public const int SpawnAttributesSize = 512;

    /// <summary>Room for posix_spawn_file_actions_t (80 bytes with glibc on 64 bits).</summary>
    public const int SpawnFileActionsSize = 256;

    /// <summary>Room for sigset_t (128 bytes with glibc).</summary>
    public const int SignalSetSize = 128;

    public const short POSIX_SPAWN_SETSIGDEF = 0x04;
    public const short POSIX_SPAWN_SETSIGMASK = 0x08;
    public const short POSIX_SPAWN_SETSID = 0x80;

    public const int WNOHANG = 1;
    public const int SIGKILL = 9;
    public const int SIGUSR1 = 10;
    public const int SIGTERM = 15;

    // The same numbers on every architecture: both calls are younger than the unified table.
    public const int SYS_pidfd_send_signal = 424;
    public const int SYS_pidfd_open = 434;

    [LibraryImport(Libc)]
    public static partial int posix_spawnattr_init(void* attributes);

    [LibraryImport(Libc)]
    public static partial int posix_spawnattr_destroy(void* attributes);

    [LibraryImport(Libc)]
    public static partial int posix_spawnattr_setflags(void* attributes, short flags);

    [LibraryImport(Libc)]
    public static partial int posix_spawnattr_setsigdefault(void* attributes, void* signals);

    [LibraryImport(Libc)]
    public static partial int posix_spawnattr_setsigmask(void* attributes, void* signals);

    [LibraryImport(Libc)]
    public static partial int posix_spawn_file_actions_init(void* actions);

    [LibraryImport(Libc)]
    public static partial int posix_spawn_file_actions_destroy(void* actions);

    [LibraryImport(Libc, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int posix_spawn_file_actions_addopen(
        void* actions, int fd, string path, int flags, uint mode);

    [LibraryImport(Libc)]
    public static partial int posix_spawn_file_actions_adddup2(void* actions, int fd, int newFd);

    [LibraryImport(Libc, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int posix_spawn_file_actions_addchdir_np(void* actions, string path);

    [LibraryImport(Libc)]
    public static partial int posix_spawn_file_actions_addclosefrom_np(void* actions, int from);

    [LibraryImport(Libc, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int posix_spawn(
        int* pid, string path, void* actions, void* attributes, byte** argv, byte** envp);

    [LibraryImport(Libc)]
    public static partial int sigemptyset(void* signals);

    [LibraryImport(Libc)]
    public static partial int sigfillset(void* signals);

    [LibraryImport(Libc, SetLastError = true)]
    public static partial int waitpid(int pid, int* status, int options);

    [LibraryImport(Libc, EntryPoint = "syscall", SetLastError = true)]
    public static partial long pidfd_open(long number, int pid, uint flags);

    [LibraryImport(Libc, EntryPoint = "syscall", SetLastError = true)]
    public static partial long pidfd_send_signal(long number, int pidfd, int signal, void* info, uint flags);
}
