using Monolith.Platform.Storage;
using Npgsql;

namespace Monolith.Modules.Tests.Platform;

/// <summary>Which failures of a database pass by themselves.</summary>
public sealed class ConflictTests
{
    /// <summary>As Npgsql 10 throws them; a read runs again on another connection then.</summary>
    [Fact]
    public void ADriverThatIsOutOfStepWithItsServer_IsAnOutage_AndADefectIsNone()
    {
        const string DataRow = "Received unexpected backend message DataRow. Please file a bug.";
        Assert.True(Conflict.IsOutage(new InvalidOperationException("An exception has been raised.", new Exception(DataRow))));
        Assert.True(Conflict.IsOutage(
            new NpgsqlException("Received backend message CommandComplete while expecting BindCompleteMessage. Please file a bug.")));
        Assert.False(Conflict.IsOutage(new InvalidOperationException(DataRow)));
        Assert.False(Conflict.IsOutage(new Exception("Received nothing.")));
        Assert.False(Conflict.IsOutage(new NpgsqlException("The column has another type.")));
    }
}
