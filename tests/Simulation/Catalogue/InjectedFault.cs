namespace Monolith.Simulation.Tests.Catalogue;

/// <summary>One thing that goes wrong, and what the tenant is to read of it.</summary>
/// <param name="Name">What goes wrong.</param>
/// <param name="Reason">The cause that the server names; of a call that is refused, its code.</param>
/// <param name="Says">Words in which the injected cause is told.</param>
/// <param name="Inject">Has it happen to the server that is looked at; or asks for what is refused.</param>
internal sealed record InjectedFault(string Name, string Reason, string Says, Func<Scene, Task> Inject)
{
    /// <summary>Of the image that is made of the server's disk: there it is read.</summary>
    public bool OfCopy { get; init; }

    public override string ToString() => Name;
}
