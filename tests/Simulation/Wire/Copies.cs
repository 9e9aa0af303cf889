using Google.Protobuf;

namespace Monolith.Simulation.Tests.Wire;

internal static class Copies
{
    public static Func<T, T> Of<T>() where T : class => message => ((IDeepCloneable<T>)message).Clone();
}
