using Monolith.Compute.V1;
using Monolith.Host.Tests.Cloud;

namespace Monolith.Host.Tests.Plugins;

/// <summary>What operators add to placement, as an assembly in a directory.</summary>
public sealed class PluginTests : IDisposable
{
    const string Sample = "Monolith.Sample.Plugin";

    readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("monolith-plugins-");

    readonly DirectoryInfo data = Directory.CreateTempSubdirectory("monolith-unstarted-");

    /// <summary>As it was built, beside the tests.</summary>
    static string Built => Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../..", Sample,
        Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory)), Sample + ".dll"));

    void Install(string file) => File.Copy(file,
        Path.Combine(directory.CreateSubdirectory(Sample).FullName, Sample + ".dll"), overwrite: true);

    public void Dispose()
    {
        directory.Delete(recursive: true);
        data.Delete(recursive: true);
    }

    [Fact]
    public async Task AFilter_RulesHypervisorsOut_InItsOwnWords_AndAWeigherPrefers()
    {
        Install(Built);
        await using var host = new RunningHost { Plugins = directory.FullName };
        await host.InitializeAsync();
        var hypervisors = new HypervisorService.HypervisorServiceClient(host.Invoker);
        async Task LabelAsync(string id, string? cooling, bool paid)
        {
            var wanted = new Hypervisor { Name = "hypervisors/" + id };
            if (cooling is not null) wanted.Labels["cooling"] = cooling;
            if (paid) wanted.Labels["paid"] = "2019";
            await hypervisors.UpdateHypervisorAsync(new UpdateHypervisorRequest
            {
                Hypervisor = wanted,
                UpdateMask = new() { Paths = { "labels" } },
            }, host.Headers());
        }
        // A look at the fleet lasts a second.
        async Task<Server> ForeseeAsync(string id, Func<Server, bool> holds)
        {
            var server = new Server();
            await RunningHost.UntilAsync(async () => holds(server = await new ServerService.ServerServiceClient(host.Invoker)
                .CreateServerAsync(new CreateServerRequest
                {
                    Parent = "projects/own",
                    ServerId = id,
                    Server = new()
                    {
                        Flavor = "flavors/small",
                        Image = "projects/own/images/r1",
                        Networks = { new ServerNetwork { Network = "projects/own/networks/r1" } },
                    },
                    ValidateOnly = true,
                }, host.Headers())), "what is foreseen");
            return server;
        }

        await LabelAsync("emulated1", "poor", false);
        await LabelAsync("emulated2", "poor", false);
        var server = await ForeseeAsync("warm", s => s.Hypervisor.Length == 0);
        Assert.Equal("None of 2 hypervisors can take it: 2 whose racks are too warm. It would fit on one more hypervisor with "
            + "1 vCPU, 64 MiB of memory and 1 GiB of disk; ask the operators.",
            Assert.Single(server.Conditions, c => c.Type == "Placed").Message);

        foreach (var (preferred, other) in new[] { ("emulated1", "emulated2"), ("emulated2", "emulated1") })
        {
            await LabelAsync(preferred, "good", true);
            await LabelAsync(other, null, false);
            for (var i = 0; i < 5; i++)
                Assert.Equal("hypervisors/" + preferred,
                    (await ForeseeAsync($"foreseen{i}", s => s.Hypervisor == "hypervisors/" + preferred)).Hypervisor);
        }
    }

    /// <summary>A host that starts without a rule would place servers where they must not be.</summary>
    [Theory]
    [InlineData("nothing")]
    [InlineData("rubbish")]
    [InlineData("another assembly")]
    public async Task WhatCannotBeLoaded_KeepsTheHostFromStarting_AndIsNamed(string content)
    {
        if (content == "rubbish")
        {
            var file = Path.Combine(data.FullName, "rubbish");
            await File.WriteAllTextAsync(file, "no assembly", TestContext.Current.CancellationToken);
            Install(file);
        }
        else if (content == "another assembly") Install(typeof(HypervisorService).Assembly.Location);
        else directory.CreateSubdirectory(Sample);
        var e = await Assert.ThrowsAsync<InvalidOperationException>(() => MonolithHost.StartAsync(new HostOptions
        {
            Data = data.FullName,
            Plugins = directory.FullName,
        }, default));
        Assert.StartsWith($"The plug-in {Path.Combine(directory.FullName, Sample, Sample + ".dll")} cannot be loaded: ", e.Message,
            StringComparison.Ordinal);
        Assert.EndsWith("Mend it, or take its directory away.", e.Message, StringComparison.Ordinal);
    }
}
