using CsCheck;
using Monolith.Agent.Images;
using Monolith.Agent.Vms;

namespace Monolith.Agent.Tests.Vms;

public sealed class VmCommandLineTests
{
    private static readonly VmHost Host = new("tcg", "nobody", "/state/vms/vm-1/qemu.lock");

    [Fact]
    public void Cards_AreWhereTheirSlotsAre_AndTheShapeTellsThem()
    {
        var plan = Plans.Small(ports: [Plans.Port(1), Plans.Port(2) with { Slot = 4 }]) with { Slots = 6 };
        var arguments = VmCommandLine.Build(plan, Host);
        Assert.Equal(6, arguments.Count(a => a.StartsWith("pcie-root-port", StringComparison.Ordinal)));
        Assert.Contains(arguments, a => a.Contains("id=nic3,netdev=net3,", StringComparison.Ordinal) && a.Contains("bus=rp4,", StringComparison.Ordinal));
        Assert.Equal(plan.Placed(), VmCommandLine.CardsOf(VmCommandLine.Shape(plan)));
        var less = plan with { Ports = [plan.Ports[1]] };
        Assert.Equal(VmCommandLine.Shape(less), VmCommandLine.WithCards(VmCommandLine.Shape(plan), less));
        Assert.Empty(VmCommandLine.CardsOf(VmCommandLine.Shape(plan with { Ports = [] }))!);
        Assert.NotEmpty(VmPlanRules.Violations(plan with { Slots = 4 }));
        Assert.NotEmpty(VmPlanRules.Violations(plan with { Ports = [Plans.Port(1), Plans.Port(2) with { Slot = 1 }] }));
    }

    /// <summary>It reads a tenant's disk, and is confined as a QEMU that runs their guest is.</summary>
    [Fact]
    public void WhatCarriesAStoppedDisk_HasNoMachine_AndIsConfined()
    {
        var arguments = CarrierCommandLine.Build(Host);
        Assert.Equal("none", arguments[arguments.IndexOf("-machine") + 1]);
        Assert.Contains("-S", arguments);
        Assert.DoesNotContain("-incoming", arguments);
        Assert.Equal("defer", CarrierCommandLine.Build(Host with { Incoming = true })[^1]);
        var guest = VmCommandLine.Build(Plans.Small(), Host);
        foreach (var option in new[] { "-sandbox", "-runas" })
            Assert.Equal(guest[guest.IndexOf(option) + 1], arguments[arguments.IndexOf(option) + 1]);
        Assert.DoesNotContain(arguments, a => a.Contains("netdev", StringComparison.Ordinal));
    }

    [Fact]
    public void Build_TwoPorts_EachHasATapACardAndARootPort()
    {
        var arguments = VmCommandLine.Build(Plans.Small(ports: [Plans.Port(1), Plans.Port(2)]), Host);
        Assert.Contains("tap,id=net0,ifname=mt-tap1,script=no,downscript=no", arguments);
        Assert.Contains(
            "virtio-net-pci,id=nic1,netdev=net1,mac=02:00:00:00:00:02,host_mtu=1500,bus=rp2,romfile=", arguments);
        Assert.Equal(1 + 2 + 4, arguments.Count(a => a.StartsWith("pcie-root-port", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("kvm", "host")]
    [InlineData("tcg", "max")]
    public void Build_Accelerator_DecidesTheDefaultCpu(string accelerator, string cpu)
    {
        var arguments = VmCommandLine.Build(Plans.Small(), Host with { Accelerator = accelerator });
        Assert.Equal(cpu, After(arguments, "-cpu"));
        Assert.StartsWith(accelerator, After(arguments, "-accel"), StringComparison.Ordinal);
    }

    [Fact]
    public void Build_Confinement_DoesNotRefuseTheSetuidItAsksFor()
    {
        var arguments = VmCommandLine.Build(Plans.Small(), Host);
        Assert.Equal("nobody", After(arguments, "-runas"));
        Assert.DoesNotContain("elevateprivileges", After(arguments, "-sandbox"), StringComparison.Ordinal);
        Assert.DoesNotContain("-runas", VmCommandLine.Build(Plans.Small(), Host with { RunAs = null }));
    }

    /// <summary>QEMU numbers devices as they come: a guest that was started without the last finds all others as they were.</summary>
    [Fact]
    public void Build_TheScreen_ComesAfterAllThatTheGuestHadBefore()
    {
        var arguments = VmCommandLine.Build(Plans.Small(ports: [Plans.Port(1)]), Host);
        var devices = arguments.Where((_, i) => i > 0 && arguments[i - 1] == "-device").ToList();
        Assert.Single(devices, d => d.StartsWith("VGA,", StringComparison.Ordinal));
        Assert.StartsWith("VGA,", devices[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void Build_Smbios_NamesTheProductThatCloudInitLooksFor() =>
        Assert.Contains(
            "product=OpenStack Nova", After(VmCommandLine.Build(Plans.Small(), Host), "-smbios"),
            StringComparison.Ordinal);

    /// <summary>Whatever a name holds, it stays one option's one value.</summary>
    [Fact]
    public void Build_AnyName_CannotAddAnOption() =>
        Gen.String[1, 255].Sample(name =>
        {
            var arguments = VmCommandLine.Build(Plans.Small() with { Name = name }, Host);
            var value = After(arguments, "-name")["guest=".Length..^",debug-threads=on".Length];
            return !value.Replace(",,", "", StringComparison.Ordinal).Contains(',', StringComparison.Ordinal)
                && value.Replace(",,", ",", StringComparison.Ordinal) == name
                && arguments.Count == VmCommandLine.Build(Plans.Small(), Host).Count;
        });

    [Fact]
    public void Shape_ChangesWithWhatAGuestOnlyLearnsByRestart()
    {
        var plan = Plans.Small();
        var shape = VmCommandLine.Shape(plan);
        VmPlan[] live = [plan with { Generation = 9 }, plan with { Name = "other" }, plan with { DiskGib = 9 }];
        VmPlan[] cold =
        [
            plan with { Vcpus = 2 }, plan with { MemoryMib = 128 }, plan with { Ports = [Plans.Port(1)] },
            plan with { Machine = new VmMachine(Cpu: "qemu64") },
        ];
        Assert.All(live, p => Assert.Equal(shape, VmCommandLine.Shape(p)));
        Assert.All(cold, p => Assert.NotEqual(shape, VmCommandLine.Shape(p)));
    }

    /// <summary>A guest that numbers its disks as it finds them boots from the one that it knows.</summary>
    [Theory]
    [InlineData(false, 6)]
    [InlineData(true, 7)]
    public void Drive_IsTheLastDisk_AndMayOnlyBeRead(bool rescued, int bus)
    {
        var plan = Plans.Small(ports: [Plans.Port(1)]) with
        {
            Drive = new("config-2"),
            Rescue = rescued ? new VmRescue(Plans.Small().Image, DiskFormat.Raw, "/cache/rescue") : null,
        };
        var arguments = VmCommandLine.Build(plan, Host);
        var disks = arguments.Where(a => a.StartsWith("virtio-blk-pci", StringComparison.Ordinal)).ToList();
        Assert.Equal($"virtio-blk-pci,id=drive,drive=drive0,bus=rp{bus}", disks[^1]);
        Assert.Equal(bus + 1, arguments.Count(a => a.StartsWith("pcie-root-port", StringComparison.Ordinal)));
        Assert.All(arguments.Where(a => a.Contains("node-name=drive0", StringComparison.Ordinal)),
            a => Assert.EndsWith(",read-only=on", a, StringComparison.Ordinal));
        Assert.NotEqual(VmCommandLine.Shape(plan with { Drive = null }), VmCommandLine.Shape(plan));
        Assert.NotEqual(VmCommandLine.Shape(plan with { Drive = new("cidata") }), VmCommandLine.Shape(plan));
        Assert.Equal(plan.Placed(), VmCommandLine.CardsOf(VmCommandLine.Shape(plan)));
    }

    [Fact]
    public void Rules_EveryViolation_IsGathered()
    {
        var bad = new VmPort("02:00:00:00:00:0G", "tap,script=/bin/sh", 10);
        var plan = Plans.Small() with
        {
            Name = "a\nb",
            Vcpus = 0,
            MemoryMib = 1,
            DiskGib = 0,
            ConsoleLogKib = 0,
            Machine = new VmMachine("q35,dumpdtb=/etc/passwd", "max,+x", 99),
            Ports = [bad, bad],
        };
        var found = VmPlanRules.Violations(plan);
        Assert.Equal(5 + 4 + 6 + 2, found.Count);
        Assert.Empty(VmPlanRules.Violations(Plans.Small(ports: [Plans.Port(1), Plans.Port(2)])));
    }

    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData("a/b")]
    [InlineData("A")]
    [InlineData(".removed-a")]
    public void VmId_NotAFileName_IsRefused(string text) =>
        Assert.Throws<ArgumentException>(() => new VmId(text));

    private static string After(List<string> arguments, string option) => arguments[arguments.IndexOf(option) + 1];
}
