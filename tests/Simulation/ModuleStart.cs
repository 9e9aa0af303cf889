using System.Runtime.CompilerServices;
using Monolith.Protos;

namespace Monolith.Simulation.Tests;

internal static class ModuleStart
{
    /// <summary>Before any thread of this assembly meets a message; see <see cref="Descriptors"/>.</summary>
    [ModuleInitializer]
    internal static void MakeDescriptors() => Descriptors.MakeAll();
}
