using CsCheck;

namespace Monolith.Cli.Tests;

internal static class Pick
{
    /// <summary>Any one of these.</summary>
    public static Gen<T> From<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);
}
