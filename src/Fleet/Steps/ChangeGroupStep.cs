using System.Diagnostics;
using System.Net;
using Monolith.Agent.Emulated;
using Monolith.Fleet.Figures;
using Monolith.Fleet.Load;
using Monolith.Network.V1;

namespace Monolith.Fleet.Steps;

/// <summary>
/// Ports join the first project's group <c>default</c> and leave it again, one after the other: when the last hypervisor
/// that has a rule about the group knows, and what each was told for it. Servers of that project must be there.
/// <para>
/// Figures: <c>members</c>, <c>hypervisors</c>; <c>known</c>, a sample for each hypervisor and change, from the call;
/// <c>last</c>, one for each change; <c>messages_per_hypervisor</c>, sets and ports that one is sent for a change.
/// </para>
/// </summary>
public sealed record ChangeGroupStep : Step
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60), Look = TimeSpan.FromMilliseconds(5);

    /// <summary>How long a changed set rests before it is told of again, and more: what comes by then is all that comes.</summary>
    static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(750);

    /// <summary>Members of the group: ports without a server make up for servers that are not there.</summary>
    public int Members { get; init; } = 1000;

    /// <summary>Changes, half of them a join and half a leave.</summary>
    public int Changes { get; init; } = 10;

    internal override bool IsProbed => false;

    internal override IEnumerable<string> Violations
    {
        get
        {
            if (Members < 1) yield return $"members must be at least 1, and is {Members}";
            if (Changes < 2) yield return $"changes must be at least 2, and is {Changes}";
        }
    }

    internal override async Task RunAsync(Stage stage, CancellationToken cancel)
    {
        var project = Cloud.ProjectOf(0);
        var ports = new PortService.PortServiceClient(stage.Cloud.Invoker);
        var group = await stage.Cloud.CallAsync(
            o => new SecurityGroupService.SecurityGroupServiceClient(stage.Cloud.Invoker).GetSecurityGroupAsync(
                new GetSecurityGroupRequest { Name = project + "/securityGroups/default" }, o), cancel);
        IReadOnlyCollection<IPAddress>? Of(EmulatedDataPlane kernel) => kernel.MembersOf(group.Uid);
        var holders = stage.Nodes.Nodes.Select(n => n.DataPlane).OfType<EmulatedDataPlane>()
            .Where(k => Of(k) is not null).ToList();
        if (holders.Count == 0) throw new InvalidOperationException($"No hypervisor has a rule about {group.Name}.");
        await Task.Delay(Rest, cancel);
        var there = Of(holders[0])!.Count;
        await Parallel.ForEachAsync(
            Enumerable.Range(there, Math.Max(0, Members - there)),
            new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = cancel },
            async (i, stop) => await CreateAsync($"{Name.Replace('_', '-')}-m{i}"));
        await UntilAsync(k => Of(k)!.Count >= Members, null);

        Samples known = new(), last = new();
        var told = 0L;
        for (var i = 0; i < Changes / 2; i++)
        {
            Port? port = null;
            await ChangeAsync(
                async () => port = await CreateAsync($"{Name.Replace('_', '-')}-c{i}"),
                k => Of(k)!.Contains(IPAddress.Parse(port!.Addresses[0])));
            await ChangeAsync(
                () => stage.Cloud.CallAsync(o => ports.DeletePortAsync(
                    new DeletePortRequest { Name = port!.Name, RequestId = Guid.NewGuid().ToString() }, o), cancel),
                k => !Of(k)!.Contains(IPAddress.Parse(port!.Addresses[0])));
        }

        stage.Board.Add(Name + ".members", Of(holders[0])!.Count);
        stage.Board.Add(Name + ".hypervisors", holders.Count);
        stage.Board.Add(Name + ".known", known);
        stage.Board.Add(Name + ".last", last);
        stage.Board.Add(Name + ".messages_per_hypervisor", (double)told / (Changes / 2 * 2) / holders.Count);

        async Task ChangeAsync(Func<Task> call, Func<EmulatedDataPlane, bool> knows)
        {
            await Task.Delay(Rest, cancel);
            var (before, began) = (stage.Messages.PortUpserts, Stopwatch.GetTimestamp());
            await call();
            last.Add(await UntilAsync(knows, known, began));
            await Task.Delay(Rest, cancel);
            told += stage.Messages.PortUpserts - before;
        }

        async Task<TimeSpan> UntilAsync(Func<EmulatedDataPlane, bool> knows, Samples? each, long? from = null)
        {
            var began = from ?? Stopwatch.GetTimestamp();
            var waiting = holders.ToList();
            while (true)
            {
                var elapsed = Stopwatch.GetElapsedTime(began);
                var arrived = waiting.RemoveAll(k => knows(k));
                for (var i = 0; i < arrived; i++) each?.Add(elapsed);
                if (waiting.Count == 0) return elapsed;
                if (elapsed > Patience)
                    throw new TimeoutException($"{waiting.Count} hypervisors do not know of a change of {group.Name}.");
                await Task.Delay(Look, cancel);
            }
        }

        Task<Port> CreateAsync(string id) => stage.Cloud.CallAsync(o => ports.CreatePortAsync(
            new CreatePortRequest
            {
                Parent = project,
                PortId = id,
                Port = new Port { Network = project + "/networks/default", SecurityGroups = { group.Name } },
                RequestId = Guid.NewGuid().ToString(),
            }, o), cancel);
    }
}
