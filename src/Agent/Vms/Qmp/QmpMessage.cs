using System.Text.Json;

namespace Monolith.Agent.Vms.Qmp;

/// <summary>One message from QEMU (QEMU Machine Protocol specification, section 2).</summary>
internal abstract record QmpMessage
{
    /// <summary>The first line: who answers.</summary>
    public sealed record Greeting(int Major, int Minor, int Micro) : QmpMessage;

    public sealed record Return(long Id, JsonElement Value) : QmpMessage;

    /// <param name="Id">Null when QEMU could not even read the request.</param>
    public sealed record Error(long? Id, string Class, string Description) : QmpMessage;

    public sealed record Event(string Name, JsonElement Data) : QmpMessage;
}

/// <summary>What QEMU sent is not QMP, or the connection ended. The VM may be alive: connect anew.</summary>
internal sealed class QmpProtocolException(string message, Exception? inner = null) : IOException(message, inner);

/// <summary>QEMU understood a command and refused it.</summary>
internal sealed class QmpCommandException(string command, string errorClass, string description)
    : Exception($"QEMU refused {command}: {description}")
{
    public string Command { get; } = command;

    /// <summary>CommandNotFound, DeviceNotActive, DeviceNotFound, KVMMissingCap or GenericError.</summary>
    public string ErrorClass { get; } = errorClass;

    /// <summary>QEMU's own words.</summary>
    public string Description { get; } = description;
}
