using CsCheck;
using Monolith.Agent.Native.Raw;
using Monolith.Agent.Native.Safe;
using Monolith.Agent.Tests.Vms;

namespace Monolith.Agent.Tests.Native;

public sealed class ProcessTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("exit 7", 7, null)]
    [InlineData("kill -9 $$", null, 9)]
    public async Task Spawn_ChildEnds_SaysHow(string script, int? code, int? signal)
    {
        using var scratch = new Scratch();
        using var process = ProcessHandle.Spawn(Shell(scratch, script));
        var exit = await process.Exited.WaitAsync(TimeSpan.FromSeconds(20), Stop);
        Assert.Equal(new ProcessExit(code, signal), exit);
    }

    [Fact]
    public async Task Spawn_Child_HasItsOwnSessionDirectoryOutputAndNoneOfOurFiles()
    {
        using var scratch = new Scratch();
        using var process = ProcessHandle.Spawn(
            Shell(scratch, "pwd; (ls /proc/$$/fd >fds); sort fds | tr '\\n' ' '; cut -d' ' -f6 /proc/$$/stat; echo $$ >&2"));
        await process.Exited.WaitAsync(TimeSpan.FromSeconds(20), Stop);
        var lines = await File.ReadAllLinesAsync(scratch.In("out"), Stop);
        Assert.Equal(scratch.Path, lines[0]);
        Assert.Equal($"0 1 2 {process.Identity.Pid}", lines[1]);
        Assert.Equal($"{process.Identity.Pid}", lines[2]);
    }

    [Fact]
    public async Task Adopt_LivingProcess_SeesItsEnd()
    {
        using var scratch = new Scratch();
        var spawned = ProcessHandle.Spawn(Shell(scratch, "exec sleep 600"));
        var identity = spawned.Identity;
        spawned.Dispose();
        using var adopted = ProcessHandle.Adopt(identity);
        Assert.NotNull(adopted);
        Assert.False(adopted.Exited.IsCompleted);
        Assert.True(adopted.Kill());
        await adopted.Exited.WaitAsync(TimeSpan.FromSeconds(20), Stop);
        Assert.False(adopted.Kill());
        Assert.False(identity.IsAlive);
    }

    [Fact]
    public void Adopt_SamePidOtherStart_IsRefused()
    {
        var self = ProcessIdentity.Of(Environment.ProcessId);
        Assert.NotNull(self);
        Assert.True(self.Value.IsAlive);
        Assert.Null(ProcessHandle.Adopt(self.Value with { StartTicks = self.Value.StartTicks + 1 }));
        Assert.Null(ProcessHandle.Adopt(self.Value with { BootId = "another" }));
    }

    [Theory]
    [InlineData("42 (a b) c) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 777 20", 'S', 3, 777)]
    [InlineData("42 (x) Z 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 5\n", 'Z', 3, 5)]
    public void Stat_CommandWithParentheses_IsPassedOver(string text, char state, int session, ulong start)
    {
        Assert.True(ProcessStat.TryParse(text, out var stat));
        Assert.Equal(new ProcessStat(state, session, start), stat);
    }

    [Fact]
    public void Stat_AnyText_NeverThrows() =>
        Gen.String.Sample(text =>
            ProcessStat.TryParse(text, out var stat) || stat == default);

    [Fact]
    public void Users_Passwd_IsRead()
    {
        var users = ProcessUser.Parse("root:x:0:0:root:/root:/bin/sh\nbroken\nnobody:x:65534:65533::/:/bin/false\n");
        Assert.Equal([new ProcessUser("root", 0, 0), new ProcessUser("nobody", 65534, 65533)], users);
    }

    [Fact]
    public async Task Command_OverItsDeadline_IsKilled() =>
        await Assert.ThrowsAsync<TimeoutException>(() => ProcessCommand.RunAsync(
            "/bin/sleep", ["600"], "/", TimeSpan.FromMilliseconds(50), Stop));

    [Fact]
    public async Task Command_NotThere_SaysSo() =>
        await Assert.ThrowsAsync<FileNotFoundException>(() => ProcessCommand.RunAsync(
            "/nonexistent/program", [], "/", TimeSpan.FromSeconds(5), Stop));

    /// <summary>Sizes of what we hold for libc, and its numbers, against the C headers of this machine.</summary>
    [Fact]
    [Trait("Needs", "cc")]
    public async Task Constants_AreThoseOfTheHeaders()
    {
        using var scratch = new Scratch();
        await File.WriteAllTextAsync(scratch.In("c.c"), $$"""
            #define _GNU_SOURCE
            #include <spawn.h>
            #include <signal.h>
            #include <sys/wait.h>
            #include <sys/syscall.h>
            _Static_assert(sizeof(posix_spawnattr_t) <= {{ProcessCalls.SpawnAttributesSize}}, "");
            _Static_assert(sizeof(posix_spawn_file_actions_t) <= {{ProcessCalls.SpawnFileActionsSize}}, "");
            _Static_assert(sizeof(sigset_t) <= {{ProcessCalls.SignalSetSize}}, "");
            _Static_assert(POSIX_SPAWN_SETSIGDEF == {{ProcessCalls.POSIX_SPAWN_SETSIGDEF}}, "");
            _Static_assert(POSIX_SPAWN_SETSIGMASK == {{ProcessCalls.POSIX_SPAWN_SETSIGMASK}}, "");
            _Static_assert(POSIX_SPAWN_SETSID == {{ProcessCalls.POSIX_SPAWN_SETSID}}, "");
            _Static_assert(WNOHANG == {{ProcessCalls.WNOHANG}}, "");
            _Static_assert(SIGUSR1 == {{ProcessCalls.SIGUSR1}} && SIGKILL == {{ProcessCalls.SIGKILL}}, "");
            _Static_assert(SIGTERM == {{ProcessCalls.SIGTERM}}, "");
            _Static_assert(SYS_pidfd_send_signal == {{ProcessCalls.SYS_pidfd_send_signal}}, "");
            _Static_assert(SYS_pidfd_open == {{ProcessCalls.SYS_pidfd_open}}, "");
            """, Stop);
        var result = await ProcessCommand.RunAsync(
            "cc", ["-fsyntax-only", "c.c"], scratch.Path, TimeSpan.FromSeconds(30), Stop);
        Assert.True(result.Succeeded, result.Output);
    }

    private static ProcessPlan Shell(Scratch scratch, string script) =>
        new("/bin/sh", ["-c", script], scratch.Path, scratch.In("out"));
}
