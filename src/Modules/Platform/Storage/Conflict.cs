using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Monolith.Platform.Storage;

/// <summary>What a database says when two writers want the same.</summary>
public static class Conflict
{
    /// <summary>A unique constraint was about to be broken.</summary>
    public static bool IsUnique(Exception e) => (e is DbUpdateException ? e.InnerException : e) switch
    {
        SqliteException { SqliteExtendedErrorCode: 2067 or 1555 } => true,
        PostgresException { SqlState: PostgresErrorCodes.UniqueViolation } => true,
        _ => false,
    };

    /// <summary>Another writer was faster; reading again and deciding again is right.</summary>
    public static bool IsRace(Exception e) => e is DbUpdateConcurrencyException
        || (e is DbUpdateException ? e.InnerException : e) is PostgresException
        {
            SqlState: PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected
        };
}
