namespace Monolith.Simulation.Tests;

/// <summary>The cloud did what it promises not to do.</summary>
public sealed class BrokenPromiseException(string what) : Exception(what);
