using System.Runtime.CompilerServices;
using Monolith.Protos;

namespace Monolith.Platform;

static class ModuleStart
{
    /// <summary>Before any thread of this assembly meets a message; see <see cref="Descriptors"/>.</summary>
#pragma warning disable CA2255 // A library with threads is the one that has to.
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void MakeDescriptors() => Descriptors.MakeAll();
}
