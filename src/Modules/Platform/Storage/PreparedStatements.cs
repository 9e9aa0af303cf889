using System.Data.Common;
using System.Runtime.CompilerServices;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace Monolith.Platform.Storage;

/// <summary>
/// SQLite's statements, prepared once for each connection and text: EF makes a new command for every execution, and to
/// prepare one costs as much as to run it. (Npgsql does the same for PostgreSQL by itself.) A connection that closes
/// takes its statements with it.
/// </summary>
internal sealed class PreparedStatements : DbCommandInterceptor
{
    // Of one connection. Texts are the code's own, and few; those of filters in lists are the users' and many.
    const int MaxKept = 256;

    sealed class Statement(SqliteCommand command)
    {
        public SqliteCommand Command => command;

        public DbDataReader? Reader { get; set; }

        /// <summary>Somebody still reads from it: the same query inside its own loop.</summary>
        public bool IsBusy => Reader is { IsClosed: false };
    }

    readonly ConditionalWeakTable<DbConnection, Dictionary<string, Statement>> connections = [];

    public override async ValueTask<InterceptionResult<DbDataReader>> ReaderExecutingAsync(DbCommand command,
        CommandEventData data, InterceptionResult<DbDataReader> result, CancellationToken cancel = default)
    {
        if (Find(command) is not { } statement) return result;
        statement.Reader = await statement.Command.ExecuteReaderAsync(cancel);
        return InterceptionResult<DbDataReader>.SuppressWithResult(statement.Reader);
    }

    public override async ValueTask<InterceptionResult<int>> NonQueryExecutingAsync(DbCommand command,
        CommandEventData data, InterceptionResult<int> result, CancellationToken cancel = default) =>
        Find(command) is { } statement
            ? InterceptionResult<int>.SuppressWithResult(await statement.Command.ExecuteNonQueryAsync(cancel))
            : result;

    /// <summary>The kept statement with the command's parameters; null when it has to run by itself.</summary>
    Statement? Find(DbCommand command)
    {
        if (command is not SqliteCommand { Connection: { } connection } wanted) return null;
        var kept = connections.GetOrCreateValue(connection);
        if (!kept.TryGetValue(wanted.CommandText, out var statement))
        {
            if (kept.Count >= MaxKept) Empty(kept);
            var made = connection.CreateCommand();
            made.CommandText = wanted.CommandText;
            kept[wanted.CommandText] = statement = new Statement(made);
        }
        if (statement.IsBusy) return null;
        statement.Command.Transaction = wanted.Transaction;
        statement.Command.CommandTimeout = wanted.CommandTimeout;
        statement.Command.Parameters.Clear();
        foreach (SqliteParameter parameter in wanted.Parameters) statement.Command.Parameters.Add(parameter);
        return statement;
    }

    static void Empty(Dictionary<string, Statement> kept)
    {
        foreach (var (text, old) in kept)
        {
            if (old.IsBusy) continue;
            old.Command.Dispose();
            kept.Remove(text);
        }
    }
}
