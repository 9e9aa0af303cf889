using Monolith.Agent.V1;
using Monolith.Agent.Vms;

namespace Monolith.Agent.Reconcile;

/// <summary>All that a decision about a vm depends on.</summary>
/// <param name="Desired">Null: not wanted.</param>
/// <param name="Observed">Null: nothing is here.</param>
/// <param name="MissingPorts">Ports of it that are not plugged with their filters.</param>
/// <param name="RoutedPorts">Ports of it that the fabric may still be led to here.</param>
/// <param name="InSync">A complete snapshot was received since the agent's start.</param>
/// <param name="BootId">Of the machine's present boot.</param>
internal sealed record VmSituation(
    Vm? Desired,
    VmObservation? Observed,
    VmFact Fact,
    IReadOnlyList<string> MissingPorts,
    IReadOnlyList<string> RoutedPorts,
    bool InSync,
    string BootId,
    DateTimeOffset Now,
    VmPolicy Policy)
{
    /// <summary>What is wrong with one of the missing ports; null: nothing, so far as is known.</summary>
    public PortTrouble? PortTrouble { get; init; }

    /// <summary>Why there is no copy of its disk yet; null: nothing is wrong with it.</summary>
    public CopyTrouble? CopyTrouble { get; init; }
}

/// <summary>The one thing to do next for a vm.</summary>
internal abstract record VmDecision
{
    private VmDecision()
    {
    }

    /// <summary>It is as wanted, or as much so as it can be: report only.</summary>
    public sealed record Settle : VmDecision;

    /// <summary>Remember something that was observed, then decide anew.</summary>
    public sealed record Note(VmFact Fact) : VmDecision;

    public sealed record FetchImage : VmDecision;

    public sealed record MakeDisk : VmDecision;

    /// <param name="Trouble">Why one of them is missing; null: it takes its time.</param>
    public sealed record AwaitPorts(IReadOnlyList<string> Missing, PortTrouble? Trouble) : VmDecision;

    public sealed record Start : VmDecision;

    /// <summary>
    /// Ready to be started, once the host has said that it is still wanted here: while this agent was away, the server
    /// may have been made anew elsewhere.
    /// </summary>
    public sealed record AwaitHost : VmDecision;

    public sealed record Probe(bool Slow) : VmDecision;

    /// <summary>The running guest is to have other network cards.</summary>
    /// <param name="Rest">Not before that; null: now.</param>
    public sealed record Plug(TimeSpan? Rest) : VmDecision;

    public sealed record Stop(StopMode Mode) : VmDecision;

    public sealed record Restart(StopMode Mode) : VmDecision;

    public sealed record Remove : VmDecision;

    /// <summary>Wait for a guest from elsewhere, where it can be sent to.</summary>
    public sealed record Receive : VmDecision;

    public sealed record Send : VmDecision;

    /// <summary>The guest stands at the switch, and nothing leads to it here any more.</summary>
    public sealed record LetGo : VmDecision;

    public sealed record CancelSend : VmDecision;

    public sealed record Reclaim : VmDecision;

    /// <summary>The guest is on its way, or away: tell how far it is.</summary>
    /// <param name="For">Look again then; null: nothing is to come.</param>
    public sealed record Follow(TimeSpan? For) : VmDecision;

    /// <summary>The driver is at it, or a wait runs: look again then.</summary>
    public sealed record Wait(TimeSpan For) : VmDecision;

    /// <summary>Neither wanted nor here.</summary>
    public sealed record Forget : VmDecision;
}

/// <summary>
/// What to do about a vm. Pure.
/// <code>
///   wanted RUNNING:  nothing ─▶ FetchImage ─▶ MakeDisk ─▶ AwaitPorts ─▶ AwaitHost ─▶ Start ─▶ Probe ─▶ Settle
///                       ▲ crashed, at most 3 times in 10 minutes  ◀─────────────────────┘ restarts raised: Restart
///                       └ the machine was restarted
///                    the guest shut itself down: Settle as STOPPED until the next generation or restart
///   wanted STOPPED:  running ─▶ Stop ─▶ Settle
///     incoming:      FetchImage ─▶ MakeDisk ─▶ AwaitHost ─▶ Receive ─▶ Follow, until its disk is here ─▶ Settle
///     outgoing:      stopped ─▶ FetchImage ─▶ MakeDisk ─▶ Send ─▶ Follow ─▶ LetGo ─▶ Follow; unset, or to run: CancelSend
///   wanted ABSENT:   anything ─▶ Remove ─▶ Settle as GONE, until the host says remove ─▶ Forget
///   incoming:        as RUNNING, with Receive in place of Start ─▶ Follow, until its guest is here ─▶ as any other
///   outgoing:        running ─▶ Send ─▶ Follow ─▶ LetGo ─▶ Follow; unset: CancelSend;  left ─▶ Follow, until Reclaim or ABSENT
///   not wanted:      in sync ─▶ Wait for the grace period ─▶ Remove;  not in sync ─▶ leave alone
/// </code>
/// </summary>
internal static class VmDecide
{
    private static readonly TimeSpan DriverPoll = TimeSpan.FromSeconds(1);

    public static VmDecision Decide(VmSituation now) => now.Desired switch
    {
        null => Unwanted(now),
        { Power: Vm.Types.Power.Absent } => now.Observed is null ? Ended(now) : Remove(now),
        _ when Migrating(now, now.Desired) is { } migrating => migrating,
        { Power: Vm.Types.Power.Stopped } => Stopped(now, now.Desired),
        { Power: Vm.Types.Power.Running } => Running(now, now.Desired),
        _ => new VmDecision.Settle(),
    };

    /// <summary>Whether the vm's addresses are on this machine.</summary>
    /// <returns>Null: there is nothing here to say so by.</returns>
    public static bool? IsGuestHere(Vm desired, VmObservation? observed, VmFact fact) => observed switch
    {
        { Phase: VmPhase.Left } => false,
        {
            Migration.Phase: MigrationPhase.Opening or MigrationPhase.Listening or MigrationPhase.Missed
                or MigrationPhase.Switching
        } => false,
        { Migration.Phase: MigrationPhase.Arrived } => true,
        _ when desired.Incoming is not null && !fact.Arrived => false,
        null => null,
        _ => true,
    };

    /// <returns>Null: its guest is here and stays, or there is none.</returns>
    private static VmDecision? Migrating(VmSituation now, Vm desired)
    {
        var migration = now.Observed?.Migration;
        var left = now.Observed?.Phase == VmPhase.Left;
        if (now.Fact.Departed != left) return new VmDecision.Note(now.Fact with { Departed = left });
        if (left)
        {
            return desired.Reclaim ? new VmDecision.Reclaim() : new VmDecision.Follow(null);
        }

        if (desired.Incoming is { } incoming && !now.Fact.Arrived) return Incoming(now, incoming.Migration);
        // A guest that runs goes while it is to run, what is stopped while it is to be stopped.
        var runs = now.Observed?.Phase == VmPhase.Running;
        var outgoing = desired.Power == (runs ? Vm.Types.Power.Running : Vm.Types.Power.Stopped) ? desired.Outgoing : null;
        if (migration is { Phase: MigrationPhase.Switching, LetGo: false })
            return now.RoutedPorts.Count > 0 ? new VmDecision.Follow(now.Policy.MigrationPoll) : new VmDecision.LetGo();
        if (migration is { IsSending: true } && outgoing?.Migration != migration.Id)
        {
            return migration is { Giving: false, Phase: not MigrationPhase.Switching }
                ? new VmDecision.CancelSend()
                : new VmDecision.Follow(now.Policy.MigrationPoll);
        }

        if (outgoing is null || now.Observed?.Phase == VmPhase.Starting) return null;
        if (migration?.Id != outgoing.Migration)
        {
            if (!runs) return SendStopped(now, desired);
            return RestUntil(now, desired) is { } rest && rest < TimeSpan.MaxValue
                ? new VmDecision.Wait(rest)
                : new VmDecision.Send();
        }

        return migration.IsSending ? new VmDecision.Follow(now.Policy.MigrationPoll) : null;
    }

    /// <summary>Its disk is made as for a start: it may never have had one, or be to have a larger one.</summary>
    private static VmDecision SendStopped(VmSituation now, Vm desired)
    {
        if (RestUntil(now, desired) is { } wait)
            return wait == TimeSpan.MaxValue ? new VmDecision.Settle() : new VmDecision.Wait(wait);
        return now.Fact.Stage is VmStage.None or VmStage.Imaged ? Begin(now) : new VmDecision.Send();
    }

    private static VmDecision Incoming(VmSituation now, string id)
    {
        var observed = now.Observed;
        if (observed is { Phase: VmPhase.Running or VmPhase.Stopped, Migration.Phase: MigrationPhase.Arrived })
            return new VmDecision.Note(now.Fact with { Arrived = true, Trouble = null });
        if (observed?.Migration is { Phase: MigrationPhase.Missed }) return new VmDecision.Follow(null);
        if (observed is { Phase: VmPhase.Incoming, Migration: { Phase: MigrationPhase.Listening or MigrationPhase.Arrived } open }
            && open.Id == id)
        {
            return now.Fact.Generation == now.Desired!.Generation
                ? new VmDecision.Follow(now.Policy.MigrationPoll)
                : new VmDecision.Note(now.Fact with { Generation = now.Desired.Generation });
        }

        if (RestUntil(now, now.Desired!) is { } wait)
            return wait == TimeSpan.MaxValue ? new VmDecision.Settle() : new VmDecision.Wait(wait);
        // What is stopped has no cards that would need their ports.
        var next = Begin(now.Desired!.Power == Vm.Types.Power.Stopped ? now with { MissingPorts = [] } : now);
        return next is VmDecision.Start ? new VmDecision.Receive() : next;
    }

    private static VmDecision Unwanted(VmSituation now)
    {
        if (now.Observed is null)
        {
            // What was removed unasked is reported until the host has heard it; what it dropped itself is not.
            return now.Fact is { Gone: true, UnwantedSince: not null }
                ? new VmDecision.Settle()
                : new VmDecision.Forget();
        }

        if (!now.InSync) return new VmDecision.Settle();
        if (now.Fact.UnwantedSince is not { } since)
            return new VmDecision.Note(now.Fact with { UnwantedSince = now.Now, Generation = 0 });
        var left = since + now.Policy.Grace - now.Now;
        return left > TimeSpan.Zero ? new VmDecision.Wait(left) : Remove(now);
    }

    private static VmDecision Remove(VmSituation now) =>
        now.Fact.Trouble is { RetryAt: { } at } && now.Fact.Trouble.Generation == (now.Desired?.Generation ?? 0)
            && at > now.Now
            ? new VmDecision.Wait(at - now.Now)
            : new VmDecision.Remove();

    private static VmDecision Ended(VmSituation now) => now.Fact.Gone && now.Fact.Generation == now.Desired!.Generation
        ? new VmDecision.Settle()
        : new VmDecision.Note(
            new VmFact { Gone = true, Generation = now.Desired!.Generation, Restarts = now.Desired.Restarts });

    private static VmDecision Stopped(VmSituation now, Vm desired)
    {
        if (now.Observed is { Phase: VmPhase.Running or VmPhase.Starting })
        {
            return RestUntil(now, desired) is { } wait && wait < TimeSpan.MaxValue
                ? new VmDecision.Wait(wait)
                : new VmDecision.Stop(desired.Hard ? StopMode.Hard : StopMode.Graceful);
        }

        var rested = now.Fact with
        {
            Generation = desired.Generation,
            Restarts = desired.Restarts,
            Restarting = null,
            RunSince = null,
            Answers = false,
            PoweredOffAt = null,
            Trouble = null,
            Stage = VmStage.None,
            Gone = false,
            UnwantedSince = null,
        };
        return rested == now.Fact ? new VmDecision.Settle() : new VmDecision.Note(rested);
    }

    private static VmDecision Running(VmSituation now, Vm desired)
    {
        if (now.Fact.Gone || now.Fact.UnwantedSince is not null)
            return new VmDecision.Note(now.Fact with { Gone = false, UnwantedSince = null });
        if (now.Fact.Trouble is { } trouble && IsNewWish(trouble.Generation, trouble.Restarts, desired))
            return new VmDecision.Note(now.Fact with { Trouble = null, Crashes = [] });
        if (RestUntil(now, desired) is { } wait)
            return wait == TimeSpan.MaxValue ? new VmDecision.Settle() : new VmDecision.Wait(wait);
        return now.Observed?.Phase switch
        {
            VmPhase.Running => Run(now, desired, now.Observed),
            VmPhase.Starting or VmPhase.Outgoing => new VmDecision.Wait(DriverPoll),
            VmPhase.Crashed => Crashed(now, desired, now.Observed),
            VmPhase.Stopped => Halted(now, desired),
            _ => Begin(now),
        };
    }

    /// <summary>
    /// How long the last failure asks for rest; MaxValue when nothing but a new wish helps; null when it does not.
    /// </summary>
    private static TimeSpan? RestUntil(VmSituation now, Vm desired)
    {
        if (now.Fact.Trouble is not { } trouble || IsNewWish(trouble.Generation, trouble.Restarts, desired))
            return null;
        if (trouble.RetryAt is not { } at) return TimeSpan.MaxValue;
        return at > now.Now ? at - now.Now : null;
    }

    private static bool IsNewWish(ulong generation, uint restarts, Vm desired) =>
        PowerOf(desired) > generation || desired.Restarts > restarts;

    /// <summary>Generation of the last change that something is started for.</summary>
    private static ulong PowerOf(Vm desired) =>
        desired.PowerGeneration > 0 ? desired.PowerGeneration : desired.Generation;

    private static VmDecision Run(VmSituation now, Vm desired, VmObservation observed)
    {
        var fact = now.Fact;
        if (desired.Restarts > fact.Restarts && fact.RunSince is not null)
        {
            // Only a run that began after the restart did is the restart's.
            return fact.Restarting is { } begun && begun.Number >= desired.Restarts && observed.Since > begun.At
                ? new VmDecision.Note(fact with { Restarts = desired.Restarts, Restarting = null })
                : new VmDecision.Restart(desired.Hard ? StopMode.Hard : StopMode.Graceful);
        }

        if (fact.RunSince != observed.Since || fact.BootId != now.BootId || fact.Restarts < desired.Restarts)
        {
            return new VmDecision.Note(fact with
            {
                RunSince = observed.Since,
                BootId = now.BootId,
                Answers = false,
                PoweredOffAt = null,
                Trouble = null,
                Stage = VmStage.None,
                Restarts = desired.Restarts,
                Restarting = null,
                Generation = desired.Generation,
            });
        }

        if (fact.Generation != desired.Generation || fact.Trouble is not null)
            return new VmDecision.Note(fact with { Generation = desired.Generation, Trouble = null });
        var slow = now.Now - observed.Since > ReadyTimeout(desired, now.Policy);
        // A guest that is about to come up has other things to do than to look at cards.
        if ((fact.Answers || slow) && CardsDiffer(desired, observed))
        {
            if (PlugRest(now, desired) is not { } rest) return new VmDecision.Plug(null);
            if (fact.Answers) return new VmDecision.Plug(rest);
        }

        if (fact.Answers) return new VmDecision.Settle();
        return new VmDecision.Probe(slow);
    }

    /// <summary>Whether a running guest has other network cards than it is to have.</summary>
    public static bool CardsDiffer(Vm desired, VmObservation observed) =>
        observed.Cards is { } cards && cards != VmPlans.CardsOf(desired);

    /// <returns>Null: now.</returns>
    private static TimeSpan? PlugRest(VmSituation now, Vm desired)
    {
        if (now.MissingPorts.Count > 0) return now.Policy.PortDeadline;
        return now.Fact.CardTrouble is { RetryAt: { } at } trouble && trouble.Generation == desired.Generation && at > now.Now
            ? at - now.Now
            : null;
    }

    public static TimeSpan ReadyTimeout(Vm desired, VmPolicy policy) =>
        desired.ReadyTimeout is { } timeout && timeout.ToTimeSpan() > TimeSpan.Zero
            ? timeout.ToTimeSpan()
            : policy.ReadyTimeout;

    private static VmDecision Crashed(VmSituation now, Vm desired, VmObservation observed)
    {
        var fact = now.Fact;
        if (fact.CrashNoted != observed.Since) return new VmDecision.Note(NoteCrash(now, desired, observed));
        return Begin(now);
    }

    /// <summary>One crash counts once. The end of all guests with their machine is not theirs.</summary>
    private static VmFact NoteCrash(VmSituation now, Vm desired, VmObservation observed)
    {
        var fact = now.Fact with
        {
            CrashNoted = observed.Since,
            RunSince = null,
            Answers = false,
            Stage = VmStage.None,
        };
        if (fact.BootId.Length > 0 && fact.BootId != now.BootId) return fact with { BootId = now.BootId, Crashes = [] };
        var recent = fact.Crashes.RemoveAll(c => now.Now - c > now.Policy.CrashWindow).Add(observed.Since);
        var giveUp = recent.Length > now.Policy.CrashesAllowed;
        var wait = now.Policy.Retry.After(recent.Length - 1, 1);
        var cause = observed.Cause.Length > 0 ? observed.Cause : "no cause is known";
        return fact with
        {
            Crashes = recent,
            Trouble = new VmTrouble(
                desired.Generation,
                Math.Max(fact.Restarts, desired.Restarts),
                giveUp ? "VM_CRASH_LOOP" : "VM_CRASHED",
                giveUp
                    ? $"The server's machine ended {recent.Length} times within "
                        + $"{Minutes(now.Policy.CrashWindow)}: {cause}. "
                        + "It is not started again by itself; see its console log, then restart the server."
                    : $"The server's machine ended unexpectedly: {cause}. It is being started again.",
                giveUp ? null : now.Now + wait,
                recent.Length),
        };
    }

    private static string Minutes(TimeSpan time) =>
        time.TotalMinutes == 1 ? "1 minute" : $"{time.TotalMinutes:0} minutes";

    /// <summary>Stopped though it is wanted running: never started, or its guest shut it down.</summary>
    private static VmDecision Halted(VmSituation now, Vm desired)
    {
        var fact = now.Fact;
        if (fact.RunSince is not null && fact.BootId == now.BootId && fact.Restarting is null)
        {
            return new VmDecision.Note(fact with
            {
                PoweredOffAt = Math.Min(fact.Generation, PowerOf(desired)),
                RunSince = null,
                Answers = false,
                Stage = VmStage.None,
            });
        }

        // What is only told it is no reason to start what its guest shut down.
        if (fact.PoweredOffAt is { } at && at >= PowerOf(desired) && desired.Restarts <= fact.Restarts)
        {
            return fact.Generation == desired.Generation
                ? new VmDecision.Settle()
                : new VmDecision.Note(fact with { Generation = desired.Generation });
        }

        return Begin(now);
    }

    private static VmDecision Begin(VmSituation now) => now.Fact.Stage switch
    {
        VmStage.None => new VmDecision.FetchImage(),
        VmStage.Imaged => new VmDecision.MakeDisk(),
        _ when now.MissingPorts.Count > 0 => new VmDecision.AwaitPorts(now.MissingPorts, now.PortTrouble),
        _ when !now.InSync => new VmDecision.AwaitHost(),
        _ => new VmDecision.Start(),
    };
}
