using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Monolith.Platform.Storage;

/// <summary>
/// What a database means by a failure. Looks through what EF wraps it in, which differs with provider and with whether
/// the provider thinks that trying again would help.
/// </summary>
public static class Conflict
{
    // https://www.sqlite.org/rescode.html
    const int SqliteConstraintUnique = 2067, SqliteConstraintPrimaryKey = 1555;

    /// <summary>A unique constraint was about to be broken.</summary>
    public static bool IsUnique(Exception e) => Causes(e).Any(c => c
        is SqliteException { SqliteExtendedErrorCode: SqliteConstraintUnique or SqliteConstraintPrimaryKey }
        or PostgresException { SqlState: PostgresErrorCodes.UniqueViolation });

    /// <summary>Another writer was faster; reading again and deciding again is right.</summary>
    public static bool IsRace(Exception e) => Causes(e).Any(c => c is DbUpdateConcurrencyException or PostgresException
    { SqlState: PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected });

    /// <summary>The database cannot be reached, or shuts down, or starts: the same later may well succeed.</summary>
    public static bool IsOutage(Exception e) => Causes(e).Any(c => c switch
    {
        // Class 57P: an operator's intervention. The classes that Npgsql counts as transient hold races as well.
        PostgresException p => p.SqlState.StartsWith("57P", StringComparison.Ordinal) || p.IsTransient && !IsRace(p),
        NpgsqlException n => n.IsTransient || IsOutOfStep(n),
        _ => IsOutOfStep(c),
    });

    /// <summary>
    /// Driver and server speak past each other: once in a great while an answer comes to a question that was given up
    /// (npgsql issue 5803). Nothing is wrong but that connection. Npgsql throws a bare Exception, or one of its own.
    /// </summary>
    static bool IsOutOfStep(Exception e) => (e is NpgsqlException || e.GetType() == typeof(Exception))
        && e.Message.StartsWith("Received ", StringComparison.Ordinal) && e.Message.Contains("backend message", StringComparison.Ordinal);

    /// <summary>A text that PostgreSQL cannot hold: NUL. Nothing that we name or describe has one.</summary>
    public static bool IsUnstorableText(Exception e) =>
        Causes(e).Any(c => c is PostgresException { SqlState: PostgresErrorCodes.CharacterNotInRepertoire });

    static IEnumerable<Exception> Causes(Exception e)
    {
        for (var cause = e; cause is not null; cause = cause.InnerException) yield return cause;
    }
}
