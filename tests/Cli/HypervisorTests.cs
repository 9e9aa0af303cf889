using Monolith.Cli.Session;
using Monolith.Cli.Tests.Fake;
using Monolith.Compute.V1;

namespace Monolith.Cli.Tests;

/// <summary>What operators do with a machine: drain, evacuate, maintain.</summary>
public sealed class HypervisorTests
{
    const string Name = "hypervisors/hv1";

    [Fact]
    public async Task Evacuate_TellsHowFarItIs_UntilItIsOver()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        cloud.Hypervisors.Seen.AddRange([
            new Hypervisor { Name = Name, Evacuating = true },
            new Hypervisor { Name = Name, Evacuating = true, EvacuationMessage = "1 to be given up, 1 being made anew, 0 done." },
            new Hypervisor { Name = Name, EvacuationMessage = "2 servers are elsewhere by now." },
        ]);
        var outcome = await shell.RunAsync("hypervisor", "evacuate", "hv1", "--fenced", "--wait");
        Assert.Equal(ExitCode.Done, outcome.Code);
        Assert.Equal("1 to be given up, 1 being made anew, 0 done.\n2 servers are elsewhere by now.\n", outcome.Error);
        var request = Assert.IsType<EvacuateHypervisorRequest>(cloud.Hypervisors.Requests.Single());
        Assert.Equal((Name, true, false), (request.Name, request.Fenced, request.ValidateOnly));
    }

    [Fact]
    public async Task Evacuate_OfAMachineThatCameBack_EndsOtherwise()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        cloud.Hypervisors.Seen.Add(new Hypervisor
        {
            Name = Name,
            State = Hypervisor.Types.State.Up,
            EvacuationMessage = "Its agent came back: what was not given up by then stays.",
        });
        var outcome = await shell.RunAsync("hypervisor", "evacuate", "hv1", "--wait");
        Assert.Equal(ExitCode.WaitedFailed, outcome.Code);
        Assert.Contains("Its agent came back", outcome.Error, StringComparison.Ordinal);
        Assert.False(Assert.IsType<EvacuateHypervisorRequest>(cloud.Hypervisors.Requests.Single()).Fenced);
    }

    [Fact]
    public async Task Evacuate_IsAborted()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        Assert.Equal(ExitCode.Done, (await shell.RunAsync("hypervisor", "evacuate", "hv1", "--abort")).Code);
        Assert.Equal(Name, Assert.IsType<AbortEvacuationRequest>(cloud.Hypervisors.Requests.Single()).Name);
        Assert.Equal(ExitCode.Usage, (await shell.RunAsync("hypervisor", "evacuate", "hv1", "--abort", "--fenced")).Code);
        Assert.Equal(ExitCode.Usage, (await shell.RunAsync("hypervisor", "evacuate", "hv1", "--abort", "--wait")).Code);
    }

    [Fact]
    public async Task Drain_TellsHowFarItIs_UntilNothingIsLeft()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        cloud.Hypervisors.Seen.AddRange([
            new Hypervisor { Name = Name, Draining = true, DrainLeft = 1, ServerCount = 1, DrainMessage = "1 left, 1 on their way." },
            new Hypervisor { Name = Name, Draining = true, DrainMessage = "Nothing is left." },
        ]);
        var outcome = await shell.RunAsync("hypervisor", "drain", "hv1", "--wait");
        Assert.Equal((ExitCode.Done, "1 left, 1 on their way.\nNothing is left.\n"), (outcome.Code, outcome.Error));
        var request = Assert.IsType<UpdateHypervisorRequest>(cloud.Hypervisors.Requests.Single());
        Assert.True(request.Hypervisor.Draining);
        Assert.Equal(["draining"], request.UpdateMask.Paths);
    }

    [Fact]
    public async Task Maintain_SaysWhy_AndEnds()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        Assert.Equal(ExitCode.Usage, (await shell.RunAsync("hypervisor", "maintain", "hv1")).Code);
        Assert.Equal(ExitCode.Usage, (await shell.RunAsync("hypervisor", "maintain", "hv1", "--reason", "fan", "--end")).Code);
        Assert.Equal(ExitCode.Done, (await shell.RunAsync("hypervisor", "maintain", "hv1", "--reason", "new fan")).Code);
        Assert.Equal(ExitCode.Done, (await shell.RunAsync("hypervisor", "maintain", "hv1", "--end")).Code);
        var asked = cloud.Hypervisors.Requests.Cast<UpdateHypervisorRequest>().ToList();
        Assert.Equal(["new fan", ""], asked.Select(r => r.Hypervisor.Maintenance));
        Assert.All(asked, r => Assert.Equal(["maintenance"], r.UpdateMask.Paths));
    }
}
