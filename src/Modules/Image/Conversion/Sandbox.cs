using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Monolith.Image.Conversion;

/// <summary>What a program may take.</summary>
/// <param name="FileBytes">Of the file that it writes.</param>
/// <param name="MemoryBytes">Of addresses.</param>
/// <param name="Deadline">Of the clock, and of the processor.</param>
internal sealed record SandboxLimits(long FileBytes, long MemoryBytes, TimeSpan Deadline);

/// <summary>How it ended.</summary>
/// <param name="Output">Of both streams, at most 8 KiB.</param>
internal sealed record SandboxResult(int ExitCode, string Output);

/// <summary>
/// Runs a program on a tenant's bytes, as if the bytes had taken it over:
/// <code>
///   unshare ─▶ namespaces of its own: mounts, processes, network (with nothing in it), IPC
///     sh       a root of its own: /usr to read, /source to read, /target to write, /dev/null; nothing else is there
///      └ chroot ─▶ setpriv: nobody, no capabilities, none to be had ─▶ prlimit: memory, processor, file ─▶ the program
/// </code>
/// The shell is the first process of its namespace: when it ends, all of it ends, and it ends when its standard input does:
/// with the host, however that ends. Without root the same is done in a user namespace. It is all or nothing: where the
/// machine does not grant it, the program does not run.
/// </summary>
internal sealed class Sandbox(string directory)
{
    public const string Source = "/source", Target = "/target";

    const int OutputLimit = 8 * 1024;

    static readonly string[] Tools =
        ["/usr/bin/unshare", "/usr/bin/setpriv", "/usr/bin/prlimit", "/usr/bin/mount", "/usr/sbin/chroot"];

    // $1 root, $2 source, $3 target, $4 how to become nobody, $5… limits, --, program.
    const string Script = """
        set -eu
        root=$1 source=$2 target=$3 user=$4
        shift 4
        exec 3<&0
        mount -t tmpfs -o mode=755,size=64k,nosuid,nodev box "$root"
        mkdir "$root/usr" "$root/dev"
        mount --bind /usr "$root/usr"
        mount -o remount,bind,ro,nosuid,nodev "$root/usr"
        for each in bin lib lib64 sbin; do
          if [ -L "/$each" ]; then ln -s "usr/$each" "$root/$each"
          elif [ -d "/$each" ]; then
            mkdir "$root/$each"
            mount --bind "/$each" "$root/$each"
            mount -o remount,bind,ro,nosuid,nodev "$root/$each"
          fi
        done
        : > "$root/source"; : > "$root/target"; : > "$root/dev/null"
        mount --bind "$source" "$root/source"
        mount -o remount,bind,ro,nosuid,nodev "$root/source"
        mount --bind "$target" "$root/target"
        mount --bind /dev/null "$root/dev/null"
        mount -o remount,bind,ro,nosuid,nodev "$root"
        chroot "$root" /usr/bin/setpriv $user --bounding-set=-all --inh-caps=-all --ambient-caps=-all --no-new-privs \
          /usr/bin/prlimit "$@" < /dev/null 3<&- &
        work=$!
        { read -r _ <&3 || :; kill -KILL $work; } > /dev/null 2>&1 &
        wait $work
        """;

    /// <summary>Why nothing can be run here; null when it can.</summary>
    public async Task<string?> MissingAsync(CancellationToken cancel)
    {
        if (Array.Find(Tools, t => !File.Exists(t)) is { } tool) return $"{tool} is missing; install util-linux";
        var source = Path.Combine(directory, Guid.NewGuid().ToString("N"));
        try
        {
            await using (File.Create(source)) { }
            var limits = new SandboxLimits(4096, 1 << 30, TimeSpan.FromSeconds(30));
            var result = await RunAsync(["/usr/bin/true"], source, source, limits, cancel);
            return result.ExitCode == 0 ? null
                : $"this machine does not let the host make namespaces ({result.Output.Trim()}); run the host as root, or allow "
                    + "user namespaces";
        }
        finally
        {
            File.Delete(source);
        }
    }

    /// <param name="command">Program and arguments; the program below <c>/usr</c>.</param>
    /// <param name="source">Seen as <see cref="Source"/>.</param>
    /// <param name="target">Seen as <see cref="Target"/>; exists.</param>
    /// <exception cref="TimeoutException">It took too long, and is gone.</exception>
    public async Task<SandboxResult> RunAsync(IReadOnlyList<string> command, string source, string target,
        SandboxLimits limits, CancellationToken cancel)
    {
        var root = Directory.CreateDirectory(Path.Combine(directory, "box-" + Guid.NewGuid().ToString("N")));
        try
        {
            // Nobody reads the one and writes the other; who else is on the machine does not come to their directory.
            File.SetUnixFileMode(source, File.GetUnixFileMode(source) | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
            File.SetUnixFileMode(target, File.GetUnixFileMode(target) | UnixFileMode.GroupWrite | UnixFileMode.OtherWrite
                | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
            var start = new ProcessStartInfo("/usr/bin/unshare")
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                WorkingDirectory = "/",
            };
            foreach (var word in Arguments(root.FullName, source, target, limits, command)) start.ArgumentList.Add(word);
            start.Environment.Clear();
            start.Environment["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin";
            start.Environment["LC_ALL"] = "C.UTF-8";
            return await RunAsync(start, limits.Deadline, cancel);
        }
        finally
        {
            File.SetUnixFileMode(target, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
            root.Delete();
        }
    }

    static IEnumerable<string> Arguments(string root, string source, string target, SandboxLimits limits,
        IReadOnlyList<string> command)
    {
        string[] namespaces = ["--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "--kill-child", "--propagation", "private"];
        string[] user = Environment.IsPrivilegedProcess ? [] : ["--user", "--map-root-user"];
        return
        [
            .. user, .. namespaces, "/bin/sh", "-c", Script, "sandbox", root, source, target,
            Environment.IsPrivilegedProcess ? "--reuid=65534 --regid=65534 --clear-groups" : "",
            Say("as", limits.MemoryBytes), Say("fsize", limits.FileBytes), Say("cpu", (long)Math.Ceiling(limits.Deadline.TotalSeconds)),
            "--nofile=64", "--core=0", "--", .. command,
        ];
    }

    static string Say(string limit, long most) => string.Create(CultureInfo.InvariantCulture, $"--{limit}={most}");

    static async Task<SandboxResult> RunAsync(ProcessStartInfo start, TimeSpan deadline, CancellationToken cancel)
    {
        using var process = Process.Start(start) ?? throw new Win32Exception("unshare did not start");
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        over.CancelAfter(deadline);
        try
        {
            var texts = await Task.WhenAll(ReadAsync(process.StandardOutput, over.Token), ReadAsync(process.StandardError, over.Token));
            await process.WaitForExitAsync(over.Token);
            return new(process.ExitCode, string.Concat(texts));
        }
        catch (OperationCanceledException)
        {
            // With it goes the first process of the namespace, and with that all of them.
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None);
            cancel.ThrowIfCancellationRequested();
            throw new TimeoutException($"it took longer than {deadline.TotalSeconds:0.#} s");
        }
    }

    static async Task<string> ReadAsync(StreamReader reader, CancellationToken cancel)
    {
        var text = new StringBuilder();
        var buffer = new char[1024];
        int read;
        while ((read = await reader.ReadAsync(buffer, cancel)) > 0)
            text.Append(buffer, 0, Math.Min(read, OutputLimit / 2 - text.Length));
        return text.ToString();
    }
}
