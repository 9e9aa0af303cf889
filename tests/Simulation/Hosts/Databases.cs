using System.Data.Common;
using Microsoft.Data.Sqlite;
using Monolith.Platform.Storage;
using Monolith.Simulation.Tests.Faults;
using Monolith.Simulation.Tests.World;
using SQLitePCL;

namespace Monolith.Simulation.Tests.Hosts;

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

    /// <summary>For whoever reads them past the host.</summary>
    public DatabaseOptions Options => new(Location);

    /// <summary>Asked at every commit of a host's writer, by SQLite's own hook, with the module.</summary>
    public Func<Process, string, Crossing> AtCommit { get; set; } = (_, _) => Crossing.Done;

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
        delegate_commit hook = _ => !process.IsAlive ? 1 : AtCommit(process, module) switch
        {
            Crossing.Refused => 1,
            Crossing.DiesBefore => Die(process),
            Crossing.DiesAfter => Die(process) - 1,
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
