using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Metadata;
using Microsoft.EntityFrameworkCore.Storage;

namespace Monolith.Platform.Storage;

/// <summary>
/// Inserts rows past the change tracker, many with a command, for tables that are only ever added to: an event is
/// written for every change, and its row is never looked at again by what wrote it. Commands are kept for the life of
/// the connection. One caller at a time.
/// </summary>
internal sealed class Inserts(DatabaseSpans spans)
{
    // A command for each size is kept: few sizes, and few commands for any number of rows. SQLite looks for every
    // parameter among all, so that a size much larger costs more than it saves.
    static readonly int[] Sizes = [16, 4, 1];

    readonly Dictionary<(IEntityType, int), Prepared> prepared = [];

    /// <summary>Inside the transaction, in the order of the rows. All columns are given, generated ones too.</summary>
    public async Task RunAsync<TRow>(DbContext db, DbTransaction transaction, IReadOnlyList<TRow> rows)
        where TRow : class
    {
        var type = db.Model.FindEntityType(typeof(TRow))
            ?? throw new InvalidOperationException($"{typeof(TRow).Name} is not a row of {db.GetType().Name}.");
        for (var at = 0; at < rows.Count;)
        {
            var size = Sizes.First(s => s <= rows.Count - at);
            if (!prepared.TryGetValue((type, size), out var command))
                prepared[(type, size)] = command = new Prepared(type, size,
                    db.GetService<ISqlGenerationHelper>(), transaction.Connection!);
            for (var i = 0; i < size; i++) command.Put(i, rows[at + i]);
            await spans.RunAsync(command.Command, transaction);
            at += size;
        }
    }

    sealed class Prepared
    {
        readonly (Func<object, object?> Get, Func<object?, object?>? Convert)[] columns;

        public Prepared(IEntityType type, int rows, ISqlGenerationHelper sql, DbConnection connection)
        {
            var table = StoreObjectIdentifier.Create(type, StoreObjectType.Table)!.Value;
            var properties = type.GetProperties().ToList();
            columns = [.. properties.Select(p =>
                ((Func<object, object?>)p.GetGetter().GetClrValue, p.GetRelationalTypeMapping().Converter?.ConvertToProvider))];
            Command = connection.CreateCommand();
            var names = properties.Select(p => sql.DelimitIdentifier(p.GetColumnName(table)!));
            var values = Enumerable.Range(0, rows).Select(row =>
                "(" + string.Join(", ", properties.Select((_, column) => Name(row, column))) + ")");
            Command.CommandText = $"INSERT INTO {sql.DelimitIdentifier(table.Name, table.Schema)} "
                + $"({string.Join(", ", names)})\nVALUES {string.Join(",\n", values)}";
            for (var row = 0; row < rows; row++)
                for (var column = 0; column < properties.Count; column++)
                    Command.Parameters.Add(properties[column].GetRelationalTypeMapping()
                        .CreateParameter(Command, Name(row, column), null, properties[column].IsNullable));
        }

        public DbCommand Command { get; }

        public void Put(int row, object entity)
        {
            for (var i = 0; i < columns.Length; i++)
            {
                var value = columns[i].Get(entity);
                if (columns[i].Convert is { } convert) value = convert(value);
                Command.Parameters[row * columns.Length + i].Value = value ?? DBNull.Value;
            }
        }

        static string Name(int row, int column) => $"@p{row}_{column}";
    }
}
