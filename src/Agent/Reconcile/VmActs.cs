using System.Globalization;
using System.Net;
using Monolith.Agent.Images;
using Monolith.Agent.Network;
using Monolith.Agent.Network.Metadata;
using Monolith.Agent.V1;
using Monolith.Agent.Vms;
using VmIncoming = Monolith.Agent.Vms.VmIncoming;
using VmOutgoing = Monolith.Agent.Vms.VmOutgoing;

namespace Monolith.Agent.Reconcile;

/// <summary>Does what was decided. Each act may be repeated, and be cut short anywhere and repeated.</summary>
internal sealed class VmActs(VmFacts facts, VmReconcilerParts with, Action<string, VmSituation, VmDecision> report)
{
    private static readonly TimeSpan BetweenProbes = TimeSpan.FromMilliseconds(250);

    private DateTimeOffset Now => with.Time.GetUtcNow();

    public async Task<Verdict> DoAsync(string id, VmSituation now, VmDecision decision, CancellationToken cancellation)
    {
        switch (decision)
        {
            case VmDecision.Settle or VmDecision.AwaitHost:
                return Verdict.Done;
            case VmDecision.Note note:
                if (note.Fact.UnwantedSince is not null && now.Fact.UnwantedSince is null)
                    with.Log.Unwanted("vms", id, with.Policy.Grace);
                facts.Keep(id, note.Fact);
                return Verdict.Next;
            case VmDecision.Follow { For: null }:
                return Verdict.Done;
            case VmDecision.Follow follow:
                return await FollowAsync(id, now, follow.For.Value, cancellation);
            case VmDecision.Wait wait:
                return Verdict.After(wait.For);
            case VmDecision.Forget:
                facts.Forget(id);
                return new Verdict.Gone();
            case VmDecision.AwaitPorts:
                BeginStep(id, VmSteps.Plugged);
                report(id, now with { Fact = facts.Of(id) }, decision);
                return Verdict.After(with.Policy.PortDeadline);
            case VmDecision.Plug { Rest: { } rest }:
                return Verdict.After(rest);
            case VmDecision.Plug:
                return await PlugAsync(id, now, cancellation);
            case VmDecision.Probe probe:
                return await ProbeAsync(id, now, probe, cancellation);
            default:
                with.Log.VmDecided(id, decision.GetType().Name);
                return await TryAsync(id, now, decision, cancellation);
        }
    }

    private async Task<Verdict> TryAsync(
        string id, VmSituation now, VmDecision decision, CancellationToken cancellation)
    {
        var step = StepOf(decision);
        try
        {
            await AgentTelemetry.StepAsync(
                decision.GetType().Name, id, with.Time, () => ActAsync(id, now, decision, cancellation));
            return Verdict.Next;
        }
        catch (VmException e)
        {
            return Failed(id, now, step, ReasonOf(e.Reason), e.Message,
                e.Reason is not (VmFailure.InvalidPlan or VmFailure.BadImage));
        }
        catch (ImageException e)
        {
            return Failed(id, now, step, ReasonOf(e.Reason), e.Message, e.Reason != ImageFailure.Refused);
        }
    }

    private Task ActAsync(string id, VmSituation now, VmDecision decision, CancellationToken cancellation) =>
        decision switch
        {
            VmDecision.FetchImage => FetchImageAsync(id, now, cancellation),
            VmDecision.MakeDisk => MakeDiskAsync(id, now.Desired!, cancellation),
            VmDecision.Start => StartAsync(id, now.Desired!, cancellation),
            VmDecision.Stop stop => StopAsync(id, stop.Mode, cancellation),
            VmDecision.Restart restart => RestartAsync(id, now.Desired!, restart.Mode, cancellation),
            VmDecision.Remove => RemoveAsync(id, now, cancellation),
            VmDecision.Receive => ReceiveAsync(id, now.Desired!, cancellation),
            VmDecision.Send => SendAsync(id, now.Desired!, cancellation),
            VmDecision.LetGo => with.Driver.LetGoAsync(new VmId(id), cancellation),
            VmDecision.CancelSend => with.Driver.CancelSendAsync(new VmId(id), cancellation),
            VmDecision.Reclaim => with.Driver.ReclaimAsync(VmPlans.Of(now.Desired!, with.TapPrefix), cancellation),
            _ => throw new InvalidOperationException($"{decision} is not an act"),
        };

    private async Task FetchImageAsync(string id, VmSituation now, CancellationToken cancellation)
    {
        var vm = now.Desired!;
        _ = VmPlans.Of(vm, with.TapPrefix);
        BeginStep(id, VmSteps.ImageFetched);
        report(id, now with { Fact = facts.Of(id) }, new VmDecision.FetchImage());
        var size = Math.Max(1, vm.Image.SizeBytes);
        var tenth = 0L;
        var progress = new Progress(bytes =>
        {
            var reached = Math.Min(10, bytes * 10 / size);
            if (Interlocked.Exchange(ref tenth, reached) >= reached) return;
            var fact = facts.Of(id);
            var message = string.Create(CultureInfo.InvariantCulture, $"{reached * 10} % of {size >> 20} MiB");
            facts.Note(id, fact with { Steps = VmSteps.Tell(fact.Steps, VmSteps.ImageFetched, message) });
            report(id, now with { Fact = facts.Of(id) }, new VmDecision.FetchImage());
        });
        await with.Images.FetchAsync(vm.Image, progress, cancellation);
        EndStep(id, VmSteps.ImageFetched, VmStage.Imaged);
    }

    private sealed class Progress(Action<long> tell) : IProgress<long>
    {
        public void Report(long value) => tell(value);
    }

    private async Task MakeDiskAsync(string id, Vm vm, CancellationToken cancellation)
    {
        BeginStep(id, VmSteps.DiskReady);
        var path = await with.Images.FetchAsync(vm.Image, null, cancellation);
        await with.Driver.EnsureDiskAsync(VmPlans.Of(vm, with.TapPrefix), path, cancellation);
        EndStep(id, VmSteps.DiskReady, VmStage.Disked);
    }

    private async Task StartAsync(string id, Vm vm, CancellationToken cancellation)
    {
        BeginStep(id, VmSteps.Plugged);
        EndStep(id, VmSteps.Plugged, VmStage.Disked);
        BeginStep(id, VmSteps.Running);
        await with.Starts.WaitAsync(cancellation);
        try
        {
            await with.Driver.StartAsync(await PlanAsync(vm, cancellation), cancellation);
        }
        finally
        {
            with.Starts.Release();
        }

        EndStep(id, VmSteps.Running, VmStage.None);
        BeginStep(id, VmSteps.Answering);
    }

    /// <summary>
    /// With the image that it is rescued from, and with what its guest is told on a disk: both are here by then, and what
    /// its ports are is known.
    /// </summary>
    private async Task<VmPlan> PlanAsync(Vm vm, CancellationToken cancellation)
    {
        var plan = VmPlans.Of(vm, with.TapPrefix);
        if (plan.Drive is { } drive)
        {
            var ports = vm.Ports.Select(p => with.Ports.Find(p.Id)).OfType<PortSpec>()
                .Select(p => PortPlans.Of(p, with.TapPrefix, default)).ToList();
            plan = plan with { Drive = drive with { Files = MetadataDrive.Files(drive.Label, VmPlans.MetadataOf(vm), ports) } };
        }

        return plan.Rescue is null
            ? plan
            : plan with
            {
                Rescue = plan.Rescue with { Path = await with.Images.FetchAsync(vm.Rescue, null, cancellation) },
            };
    }

    /// <summary>What goes wrong with a card is no trouble of the guest's, which runs on as it is.</summary>
    private async Task<Verdict> PlugAsync(string id, VmSituation now, CancellationToken cancellation)
    {
        try
        {
            await AgentTelemetry.StepAsync("Plug", id, with.Time,
                () => with.Driver.PlugAsync(VmPlans.Of(now.Desired!, with.TapPrefix), cancellation));
            facts.Note(id, facts.Of(id) with { CardTrouble = null });
        }
        catch (VmException e)
        {
            with.Log.VmStepFailed(id, "Plug", ReasonOf(e.Reason), e.Message);
            var fact = facts.Of(id);
            var attempt = (fact.CardTrouble?.Attempt ?? 0) + 1;
            var wait = with.Policy.Retry.After(attempt - 1, with.Dice.NextDouble());
            facts.Note(id, fact with
            {
                CardTrouble = new VmTrouble(
                    now.Desired!.Generation, fact.Restarts, ReasonOf(e.Reason), e.Message, Now + wait, attempt),
            });
        }

        return Verdict.Next;
    }

    private async Task ReceiveAsync(string id, Vm vm, CancellationToken cancellation)
    {
        var stopped = vm.Power == Vm.Types.Power.Stopped;
        if (!stopped)
        {
            BeginStep(id, VmSteps.Plugged);
            EndStep(id, VmSteps.Plugged, VmStage.Disked);
        }

        if (with.ListenAddress() is not { Length: > 0 } host)
            throw new VmException(
                VmFailure.StartFailed, "The hypervisor has no address that another one could send a guest to.");
        await with.Driver.ReceiveAsync(
            await PlanAsync(vm, cancellation), new VmIncoming(vm.Incoming.Migration, vm.Incoming.Secret, host, stopped),
            cancellation);
    }

    /// <summary>The driver may not know where the guest goes, after its own restart: it is told again, for nothing.</summary>
    private async Task<Verdict> FollowAsync(
        string id, VmSituation now, TimeSpan wait, CancellationToken cancellation)
    {
        if (now.Observed?.Migration is { IsSending: true } sent && now.Desired?.Outgoing?.Migration == sent.Id)
            await TryAsync(id, now, new VmDecision.Send(), cancellation);
        return Verdict.After(wait);
    }

    private async Task SendAsync(string id, Vm vm, CancellationToken cancellation)
    {
        var to = vm.Outgoing;
        var stopped = vm.Power == Vm.Types.Power.Stopped;
        await with.Driver.SendAsync(
            new VmId(id), new VmOutgoing(to.Migration, to.Secret, to.Host, to.MemoryPort, to.DiskPort, stopped), cancellation);
        // What it is started with one day is looked at then.
        if (stopped) facts.Note(id, facts.Of(id) with { Stage = VmStage.None, Steps = [] });
    }

    private async Task StopAsync(string id, StopMode mode, CancellationToken cancellation)
    {
        await with.Driver.StopAsync(new VmId(id), mode, with.Policy.ShutdownDeadline, cancellation);
        facts.Keep(id, facts.Of(id) with { RunSince = null, Answers = false, Stage = VmStage.None, Steps = [] });
    }

    private async Task RestartAsync(string id, Vm vm, StopMode mode, CancellationToken cancellation)
    {
        var begun = new RestartBegun(vm.Restarts, Now);
        // What was interrupted is the same restart: its beginning stays.
        if (facts.Of(id).Restarting is not { } earlier || earlier.Number != vm.Restarts)
            facts.Keep(id, facts.Of(id) with { Restarting = begun, Answers = false, Steps = [], Crashes = [] });
        BeginStep(id, VmSteps.Running);
        // A restart is when a server takes its new size: its disk is there by then.
        var path = await with.Images.FetchAsync(vm.Image, null, cancellation);
        await with.Driver.EnsureDiskAsync(VmPlans.Of(vm, with.TapPrefix), path, cancellation);
        await with.Driver.RestartAsync(
            await PlanAsync(vm, cancellation), mode, with.Policy.ShutdownDeadline, cancellation);
        EndStep(id, VmSteps.Running, VmStage.None);
        BeginStep(id, VmSteps.Answering);
    }

    private async Task RemoveAsync(string id, VmSituation now, CancellationToken cancellation)
    {
        await with.Driver.RemoveAsync(new VmId(id), cancellation);
        facts.Keep(id, new VmFact
        {
            Gone = true,
            Generation = now.Desired?.Generation ?? 0,
            Restarts = now.Desired?.Restarts ?? 0,
            UnwantedSince = now.Fact.UnwantedSince,
        });
    }

    private async Task<Verdict> ProbeAsync(
        string id, VmSituation now, VmDecision.Probe probe, CancellationToken cancellation)
    {
        var vm = now.Desired!;
        BeginStep(id, VmSteps.Answering);
        if (probe.Slow) TellSilence(id, now, probe);
        var begun = with.Time.GetTimestamp();
        if (await AnswersAsync(vm, cancellation))
        {
            var fact = facts.Of(id);
            var steps = VmSteps.End(VmSteps.Begin(fact.Steps, VmSteps.Answering, Now), VmSteps.Answering, Now);
            facts.Keep(id, fact with { Answers = true, Steps = steps });
            AgentTelemetry.Came("Answer", id, steps[^1].Start);
            with.Log.VmAnswers(id, (long)(Now - steps[0].Start).TotalMilliseconds);
            return Verdict.Next;
        }

        if (probe.Slow) return Verdict.After(with.Policy.SlowProbe);
        var left = BetweenProbes - with.Time.GetElapsedTime(begun);
        return left > TimeSpan.Zero ? Verdict.After(left) : Verdict.Next;
    }

    private void TellSilence(string id, VmSituation now, VmDecision.Probe probe)
    {
        var fact = facts.Of(id);
        if (fact.Steps.Any(s => s is { Name: VmSteps.Answering, Failed: true })) return;
        var limit = VmDecide.ReadyTimeout(now.Desired!, with.Policy);
        var message = string.Create(
            CultureInfo.InvariantCulture, $"no answer within {limit.TotalSeconds:0} s; asked on");
        fact = fact with { Steps = VmSteps.Fail(fact.Steps, VmSteps.Answering, Now, message) };
        facts.Note(id, fact);
        report(id, now with { Fact = fact }, probe);
    }

    private async Task<bool> AnswersAsync(Vm vm, CancellationToken cancellation)
    {
        // A server without a port has nobody to answer: it is ready when it runs.
        if (vm.Ports.Count == 0) return true;
        foreach (var port in vm.Ports)
        {
            if (with.Ports.Find(port.Id) is not { Addresses.Count: > 0 } spec) continue;
            var addresses = spec.Addresses.Select(IPAddress.Parse).ToList();
            var address =
                addresses.Find(a => a.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork) ?? addresses[0];
            if (vm.ReadyTcpPort > 0)
            {
                return await with.Probe.AcceptsTcpAsync(
                    new IPEndPoint(address, vm.ReadyTcpPort), with.Policy.ProbeTime, cancellation);
            }

            return await with.Probe.AnswersArpAsync(
                TapName.Of(port.Id, with.TapPrefix),
                MacAddress.Parse(port.MacAddress.ToLowerInvariant()),
                address,
                with.Policy.ProbeTime,
                cancellation);
        }

        return false;
    }

    private Verdict Failed(string id, VmSituation now, string step, string reason, string message, bool retrying)
    {
        with.Log.VmStepFailed(id, step, reason, message);
        var fact = facts.Of(id);
        var attempt = (fact.Trouble?.Attempt ?? 0) + 1;
        var wait = with.Policy.Retry.After(attempt - 1, with.Dice.NextDouble());
        facts.Keep(id, fact with
        {
            Steps = VmSteps.Fail(fact.Steps, step, Now, message),
            // Another failure may have another cause further up: begin from the image.
            Stage = VmStage.None,
            Trouble = new VmTrouble(
                now.Desired?.Generation ?? 0, Math.Max(fact.Restarts, now.Desired?.Restarts ?? 0), reason, message,
                retrying ? Now + wait : null, attempt),
        });
        return Verdict.Next;
    }

    private static string StepOf(VmDecision decision) => decision switch
    {
        VmDecision.FetchImage => VmSteps.ImageFetched,
        VmDecision.MakeDisk => VmSteps.DiskReady,
        VmDecision.Start or VmDecision.Restart or VmDecision.Receive => VmSteps.Running,
        _ => decision.GetType().Name,
    };

    private static string ReasonOf(VmFailure failure) => failure switch
    {
        VmFailure.InvalidPlan => "INVALID_VM",
        VmFailure.BadImage => "BAD_IMAGE",
        VmFailure.NoSpace => "HYPERVISOR_DISK_FULL",
        VmFailure.NotInstalled => "HYPERVISOR_INCOMPLETE",
        VmFailure.StartFailed => "START_FAILED",
        VmFailure.Unresponsive => "VM_UNRESPONSIVE",
        VmFailure.Busy => "VM_BUSY",
        VmFailure.Migrating => "VM_MIGRATING",
        _ => "VM_NOT_FOUND",
    };

    internal static string ReasonOf(ImageFailure failure) => failure switch
    {
        ImageFailure.WrongDigest => "IMAGE_DAMAGED",
        ImageFailure.WrongSize => "IMAGE_SIZE_WRONG",
        ImageFailure.Refused => "IMAGE_REFUSED",
        ImageFailure.NoSpace => "HYPERVISOR_DISK_FULL",
        ImageFailure.NoRoom => "NO_ROOM",
        _ => "IMAGE_FETCH_FAILED",
    };

    private void BeginStep(string id, string step)
    {
        var fact = facts.Of(id);
        facts.Note(id, fact with { Steps = VmSteps.Begin(fact.Steps, step, Now) });
    }

    private void EndStep(string id, string step, VmStage stage)
    {
        var fact = facts.Of(id);
        facts.Note(id, fact with { Steps = VmSteps.End(fact.Steps, step, Now), Stage = stage });
    }
}
