using System.Runtime.InteropServices;
using System.Text;
using Monolith.Agent.Native.Raw;

namespace Monolith.Agent.Native.Safe;

/// <summary>A process to start that outlives us.</summary>
/// <param name="Executable">Absolute path.</param>
/// <param name="Arguments">Without the program's own name.</param>
/// <param name="WorkingDirectory">Relative paths in the arguments start here.</param>
/// <param name="OutputPath">Standard output and error are appended to this file, made with mode 0600.</param>
internal sealed record ProcessPlan(
    string Executable, IReadOnlyList<string> Arguments, string WorkingDirectory, string OutputPath);

/// <summary>
/// posix_spawn with a session of its own, so that no signal to our group or terminal reaches the process; clean
/// signal state (the runtime ignores SIGPIPE and masks some); nothing of our open files; a minimal environment.
/// </summary>
internal static unsafe class ProcessSpawn
{
    private const int O_WRONLY = 1, O_CREAT = 0x40, O_APPEND = 0x400;
    private static readonly string[] Environment =
        ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "HOME=/nonexistent"];

    /// <returns>The pid. The caller reaps it.</returns>
    public static int Start(ProcessPlan plan)
    {
        var attributes = stackalloc byte[ProcessCalls.SpawnAttributesSize];
        var actions = stackalloc byte[ProcessCalls.SpawnFileActionsSize];
        Check("posix_spawnattr_init", ProcessCalls.posix_spawnattr_init(attributes), plan);
        Check("posix_spawn_file_actions_init", ProcessCalls.posix_spawn_file_actions_init(actions), plan);
        var argv = Strings([plan.Executable, .. plan.Arguments]);
        var envp = Strings(Environment);
        try
        {
            SetAttributes(attributes, plan);
            SetActions(actions, plan);
            var pid = 0;
            var error = ProcessCalls.posix_spawn(&pid, plan.Executable, actions, attributes, argv, envp);
            Check("posix_spawn", error, plan);
            return pid;
        }
        finally
        {
            Free(argv);
            Free(envp);
            _ = ProcessCalls.posix_spawn_file_actions_destroy(actions);
            _ = ProcessCalls.posix_spawnattr_destroy(attributes);
        }
    }

    private static void SetAttributes(byte* attributes, ProcessPlan plan)
    {
        var signals = stackalloc byte[ProcessCalls.SignalSetSize];
        _ = ProcessCalls.sigfillset(signals);
        Check("posix_spawnattr_setsigdefault", ProcessCalls.posix_spawnattr_setsigdefault(attributes, signals), plan);
        _ = ProcessCalls.sigemptyset(signals);
        Check("posix_spawnattr_setsigmask", ProcessCalls.posix_spawnattr_setsigmask(attributes, signals), plan);
        const short flags = ProcessCalls.POSIX_SPAWN_SETSID
            | ProcessCalls.POSIX_SPAWN_SETSIGDEF | ProcessCalls.POSIX_SPAWN_SETSIGMASK;
        Check("posix_spawnattr_setflags", ProcessCalls.posix_spawnattr_setflags(attributes, flags), plan);
    }

    private static void SetActions(byte* actions, ProcessPlan plan)
    {
        const uint ownerOnly = 0x180; // 0600
        Check("addopen", ProcessCalls.posix_spawn_file_actions_addopen(actions, 0, "/dev/null", 0, 0), plan);
        Check("addopen", ProcessCalls.posix_spawn_file_actions_addopen(
            actions, 1, plan.OutputPath, O_WRONLY | O_CREAT | O_APPEND, ownerOnly), plan);
        Check("adddup2", ProcessCalls.posix_spawn_file_actions_adddup2(actions, 1, 2), plan);
        Check("addclosefrom", ProcessCalls.posix_spawn_file_actions_addclosefrom_np(actions, 3), plan);
        Check("addchdir", ProcessCalls.posix_spawn_file_actions_addchdir_np(actions, plan.WorkingDirectory), plan);
    }

    private static byte** Strings(ReadOnlySpan<string> values)
    {
        var array = (byte**)NativeMemory.AllocZeroed((nuint)(values.Length + 1), (nuint)sizeof(byte*));
        for (var i = 0; i < values.Length; i++)
        {
            var length = Encoding.UTF8.GetByteCount(values[i]);
            array[i] = (byte*)NativeMemory.AllocZeroed((nuint)length + 1);
            Encoding.UTF8.GetBytes(values[i], new Span<byte>(array[i], length));
        }
        return array;
    }

    private static void Free(byte** array)
    {
        for (var i = 0; array[i] != null; i++) NativeMemory.Free(array[i]);
        NativeMemory.Free(array);
    }

    private static void Check(string call, int error, ProcessPlan plan)
    {
        if (error != 0) throw new ProcessException(call, error, plan.Executable);
    }
}
