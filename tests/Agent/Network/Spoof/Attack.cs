using Monolith.Agent.Tests.Lab;

namespace Monolith.Agent.Tests.Network.Spoof;

/// <summary>Frames that a guest should not be able to do anything with.</summary>
/// <param name="IsAnswered">The hypervisor may tell the attacker why not.</param>
internal sealed record Attack(string Name, Func<RawGuest, IEnumerable<byte[]>> Frames, bool IsAnswered = false);
