using System.Collections.Concurrent;
using System.Security.Cryptography;
using Monolith.Agent.V1;
using Monolith.Compute.Vms;

namespace Monolith.Compute.Consoles;

/// <summary>
/// The sessions that are open on this host. They live in memory alone, and end with it: a viewer connects again. Nothing
/// is asked of a hypervisor that nobody looks at.
/// </summary>
internal sealed class ConsoleSessions(VmStreams streams, TimeProvider time, ConsoleOptions options)
{
    readonly ConcurrentDictionary<string, ConsoleSession> sessions = new(StringComparer.Ordinal);
    readonly Lock gate = new();

    /// <summary>Asks the vm's hypervisor, and waits until it has dialled back.</summary>
    /// <param name="wanted">What is asked for, without session and vm.</param>
    /// <exception cref="Platform.Faults.Fault">UNAVAILABLE or RESOURCE_EXHAUSTED, with the cause.</exception>
    public async Task<ConsoleSession> OpenAsync(VmRow vm, OpenSession wanted, CancellationToken cancel)
    {
        var session = Admit(vm);
        try
        {
            (wanted.Session, wanted.Vm) = (session.Id, vm.Uid.ToString());
            if (!streams.Ask(vm.Hypervisor, new SyncVmsResponse { OpenSession = wanted }))
                throw ConsoleFaults.Down(vm.ServerName, vm.Hypervisor);
            await session.Carried.WaitAsync(options.DialBack, time, cancel);
            return session;
        }
        catch (TimeoutException)
        {
            await session.DisposeAsync();
            throw ConsoleFaults.NotReached(vm.ServerName, vm.Hypervisor, options.DialBack);
        }
        catch
        {
            await session.DisposeAsync();
            throw;
        }
    }

    /// <summary>For a node that dials back. A session is none of any other node's business.</summary>
    /// <returns>Null: there is no such session for this node, or it is carried already.</returns>
    public ConsoleSession? Take(string node, string session) =>
        sessions.TryGetValue(session, out var found) && found.Node == node && found.TryTake() ? found : null;

    ConsoleSession Admit(VmRow vm)
    {
        lock (gate)
        {
            if (sessions.Values.Count(s => s.Vm == vm.Uid) >= options.PerVm)
                throw ConsoleFaults.TooMany(vm.ServerName, options.PerVm);
            if (sessions.Values.Count(s => s.Node == vm.Hypervisor) >= options.PerNode)
                throw ConsoleFaults.TooMany($"The hypervisor of {vm.ServerName}", options.PerNode);
            var id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
            return sessions[id] = new ConsoleSession(id, vm, options, time, s => sessions.TryRemove(s.Id, out _));
        }
    }
}
