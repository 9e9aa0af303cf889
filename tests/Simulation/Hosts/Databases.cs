using System.Data.Common;
using Microsoft.Data.Sqlite;
using Monolith.Platform.Storage;
using Monolith.Simulation.Tests.World;
using SQLitePCL;

namespace Monolith.Simulation.Tests.Hosts;

/// <summary>What a commit comes to. The hook that is asked is SQLite's own.</summary>
internal enum CommitFate
{
    Done,
    /// <summary>SQLite refuses; the process lives.</summary>
    Refused,
    /// <summary>The process dies before the commit.</summary>
    DiesBefore,
    /// <summary>The commit is on the disk, and nobody is told.</summary>
    DiesAfter,
}

/// <summary>The SQLite files of a cloud: they outlive its hosts. In memory where a file system is.</summary>
internal sealed class Databases : IDisposable
{
    static readonly string Root = Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();

    readonly List<(Process Owner, SqliteConnection Connection, delegate_commit Hook)> writers = [];

    public Databases(Databases? template = null)
    {
        Location = Path.Combine(Root, "monolith-simulation-" + Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(Location);
        if (template is null) return;
        // The shared memory is made anew from the log.
        foreach (var file in Directory.EnumerateFiles(template.Location))
            if (!file.EndsWith("-shm", StringComparison.Ordinal))
                File.Copy(file, Path.Combine(Location, Path.GetFileName(file)));
    }

    public string Location { get; }

    /// <summary>Asked at every commit of a host's writer.</summary>
    public Func<Process, string, CommitFate> Fate { get; set; } = (_, _) => CommitFate.Done;

    /// <summary>For one process of a host.</summary>
    public DatabaseOptions For(Process process) => new(Location)
    {
        WriterOpened = (module, connection) => Watch(process, module, (SqliteConnection)connection),
    };

    /// <summary>A killed process's locks go, and what it had not committed.</summary>
    public void Close(Process process)
    {
        foreach (var writer in writers.Where(w => w.Owner == process)) writer.Connection.Dispose();
        writers.RemoveAll(w => w.Owner == process);
    }

    void Watch(Process process, string module, SqliteConnection connection)
    {
        // A process that died in the middle of a piece of work still ends it: nothing of that may last.
        delegate_commit hook = _ => !process.IsAlive ? 1 : Fate(process, module) switch
        {
            CommitFate.Refused => 1,
            CommitFate.DiesBefore => Die(process),
            CommitFate.DiesAfter => Die(process) - 1,
            _ => 0,
        };
        raw.sqlite3_commit_hook(connection.Handle, hook, null);
        writers.Add((process, connection, hook));
    }

    static int Die(Process process)
    {
        process.Kill();
        return 1;
    }

    public void Dispose()
    {
        foreach (var writer in writers) writer.Connection.Dispose();
        SqliteConnection.ClearAllPools();
        Directory.Delete(Location, recursive: true);
    }
}
