using Google.Protobuf;
using Monolith.Agent.V1;
using Monolith.Compute.LiveMigration;
using Monolith.Compute.Servers;
using Monolith.Compute.Servers.Snapshots;
using Monolith.Compute.V1;
using Monolith.Compute.Vms;
using Monolith.Image.Contracts;
using Phase = Monolith.Agent.V1.VmSnapshotStatus.Types.Phase;

namespace Monolith.Modules.Tests.Compute;

/// <summary>The way of a server's disk into an image, as a table: a situation, and the one next thing.</summary>
public sealed class SnapshotLifecycleTests
{
    static readonly DateTime Now = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);
    static readonly Guid Uid = Guid.NewGuid();

    static ServerRow Server(Action<ServerRow>? change = null)
    {
        var server = new ServerRow
        {
            Name = "projects/p/servers/s",
            Project = "p",
            Flavor = "flavors/small",
            Image = "projects/p/images/i",
            ImageSha256 = "00",
            ImageFormat = "qcow2",
            Hostname = "s",
            Detail = new ServerDetail([], [], []),
            State = Monolith.Compute.V1.Server.Types.State.Ready,
        };
        change?.Invoke(server);
        return server;
    }

    static VmRow Vm(bool wanted = true, Phase phase = Phase.Unspecified, long done = 0) => new()
    {
        ServerUid = Guid.Empty,
        ServerName = "s",
        Hypervisor = "hv1",
        ImageSha256 = "00",
        Plan = [],
        Snapshot = wanted ? Uid : null,
        ReportedSnapshot = phase == Phase.Unspecified
            ? []
            : new VmSnapshotStatus
            {
                Id = Uid.ToString(),
                Phase = phase,
                BytesDone = done,
                BytesTotal = 1000,
                Reason = phase == Phase.Failed ? "HYPERVISOR_DISK_FULL" : "",
                Message = phase == Phase.Failed ? "There is no room." : "",
            }.ToByteArray(),
    };

    static SnapshotRow Row(VmRow vm, bool reserved = true) => new()
    {
        Uid = Uid,
        ServerUid = Guid.Empty,
        ServerName = "projects/p/servers/s",
        VmUid = vm.Uid,
        Image = "projects/p/images/copy",
        Deadline = Now.AddMinutes(20),
        Reserved = reserved,
    };

    static MadeImage Image(MadeState state = MadeState.Creating, long done = 0) => new(state, done, 1000, "");

    static SnapshotNext Decide(VmRow vm, MadeImage? image, ServerRow? server = null, int minutes = 0, bool up = true,
        bool reserved = true) => SnapshotLifecycle.Decide(Row(vm, reserved),
            new SnapshotFacts(server ?? Server(), vm, image, up, Now.AddMinutes(minutes)));

    [Fact]
    public void TheImageIsReserved_ThenTheAgentIsTold_ThenItIsWaitedFor()
    {
        Assert.IsType<SnapshotNext.Reserve>(Decide(Vm(wanted: false), null, reserved: false));
        Assert.IsType<SnapshotNext.Copy>(Decide(Vm(wanted: false), Image()));
        Assert.Equal(TimeSpan.FromMinutes(20), Assert.IsType<SnapshotNext.Wait>(Decide(Vm(), Image())).AtMost);
        Assert.IsType<SnapshotNext.Wait>(Decide(Vm(phase: Phase.Copied, done: 1000), Image(done: 1000)));
    }

    [Theory]
    [InlineData(0, 0, false)]
    [InlineData(49, 0, false)]
    [InlineData(50, 0, true)]
    [InlineData(0, 500, true)]
    public void Progress_IsTold_InSteps_AlsoWhenItBeginsAnew(long done, long told, bool tells) =>
        Assert.Equal(tells, Decide(Vm(phase: Phase.Copying, done: done), Image(done: told)) is SnapshotNext.Tell);

    [Fact]
    public void WhatEndedTheImage_EndsTheSnapshot()
    {
        Assert.IsType<SnapshotNext.Finish>(Decide(Vm(), Image(MadeState.Ready)));
        Assert.IsType<SnapshotNext.Finish>(Decide(Vm(), Image(MadeState.Failed)));
        // Its owner deleted it.
        Assert.IsType<SnapshotNext.Finish>(Decide(Vm(), null));
    }

    [Fact]
    public void WhatWillNeverCome_FailsTheImage_WithTheCause()
    {
        Assert.Equal("HYPERVISOR_DISK_FULL", Failure(Decide(Vm(phase: Phase.Failed), Image())));
        Assert.Equal("SERVER_DELETED", Failure(Decide(Vm(), Image(), Server(s => s.Deleting = true))));
        Assert.Equal("SERVER_DELETED", Failure(SnapshotLifecycle.Decide(Row(Vm()),
            new SnapshotFacts(null, null, Image(), false, Now))));
        Assert.Equal("SERVER_MIGRATED", Failure(Decide(Vm(), Image(), Server(s => s.Migration = new ServerMigration("m", "",
            "hv1", "hv2", Migration.Types.State.Copying, Now, Now, Now)))));
        var gone = Vm();
        gone.Power = VmPower.Absent;
        Assert.Equal("DISK_GONE", Failure(Decide(gone, Image())));
        Assert.Equal("DISK_GONE", Failure(SnapshotLifecycle.Decide(Row(Vm()), new SnapshotFacts(Server(), Vm(), Image(), true, Now))));
        Assert.Equal("DEADLINE", Failure(Decide(Vm(phase: Phase.Copying), Image(), minutes: 20)));
        Assert.Equal("HYPERVISOR_DOWN", Failure(Decide(Vm(), Image(), minutes: 20, up: false)));
    }

    /// <summary>A word to the vm is no reason to say that it is not as wanted.</summary>
    [Fact]
    public void AskingForACopy_LeavesWhatIsKnownOfTheVm_AsCurrentAsItWas()
    {
        var vm = Vm(wanted: false);
        vm.ReportedGeneration = vm.Generation;
        vm.WantSnapshot(Uid);
        Assert.Equal((2, 1, true), (vm.Generation, vm.LastPowerGeneration, vm.IsCurrent));
        vm.WantSnapshot(Uid);
        Assert.Equal(2, vm.Generation);
        vm.Want(VmPower.Stopped, false, 0, Now);
        Assert.Equal((3, 3, false), (vm.Generation, vm.LastPowerGeneration, vm.IsCurrent));
        vm.WantSnapshot(null);
        vm.ReportedGeneration = 3;
        Assert.Equal((4, 3, true), (vm.Generation, vm.LastPowerGeneration, vm.IsCurrent));
    }

    static string Failure(SnapshotNext next) => Assert.IsType<SnapshotNext.Fail>(next).Reason;
}
