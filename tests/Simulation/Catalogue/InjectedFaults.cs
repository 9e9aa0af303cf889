using Monolith.Agent.Images;
using Monolith.Agent.Network.Probe;
using Monolith.Agent.Reconcile;
using Monolith.Agent.Vms;
using Monolith.Compute.V1;

namespace Monolith.Simulation.Tests.Catalogue;

/// <summary>The catalogue, by what breaks.</summary>
internal static class InjectedFaults
{
    public static IReadOnlyList<InjectedFault> All { get; } =
        [.. Images(), .. Starts(), .. Guests(), .. Placements(), .. Addresses(), .. Absences(), .. Migrations(), .. Changes(),
            .. Cards(), .. Copies()];

    static Exception Image(ImageFailure reason, string message) => new ImageException(reason, message);

    static Exception Vm(VmFailure reason, string message) => new VmException(reason, message);

    /// <summary>A driver's method fails on every node while the server is made.</summary>
    static InjectedFault Broken(string name, string method, Func<Exception> cause, string reason, string says) =>
        new(name, reason, says, async scene =>
        {
            scene.Break(method, cause);
            await scene.CreateAsync();
        });

    static IEnumerable<InjectedFault> Images()
    {
        const string Fetch = nameof(IImages.FetchAsync);
        yield return Broken("the image is corrupt", Fetch,
            () => Image(ImageFailure.WrongDigest, "The image's bytes are not those of its digest."), "IMAGE_DAMAGED", "digest");
        yield return Broken("the image is cut short", Fetch,
            () => Image(ImageFailure.WrongSize, "The image has 7 bytes and not 65536."), "IMAGE_SIZE_WRONG", "7 bytes");
        yield return Broken("the image has a backing file", Fetch,
            () => Image(ImageFailure.Refused, "The image names a backing file."), "IMAGE_REFUSED", "backing file");
        yield return Broken("the disk is full for the image", Fetch,
            () => Image(ImageFailure.NoSpace, "The image cache's disk is full."), "HYPERVISOR_DISK_FULL", "disk is full");
        yield return Broken("the image cannot be fetched", Fetch,
            () => Image(ImageFailure.FetchFailed, "The host sent nothing for 30 s."), "IMAGE_FETCH_FAILED", "nothing for 30 s");
        yield return Broken("the disk is full for the layer", nameof(IVmDriver.EnsureDiskAsync),
            () => Vm(VmFailure.NoSpace, "There is no space left for the disk."), "HYPERVISOR_DISK_FULL", "no space left");
        yield return Broken("the image is larger than the disk", nameof(IVmDriver.EnsureDiskAsync),
            () => Vm(VmFailure.BadImage, "The image is larger than the disk of 1 GiB."), "BAD_IMAGE", "larger than the disk");
        yield return Broken("qemu-img is missing", nameof(IVmDriver.EnsureDiskAsync),
            () => Vm(VmFailure.NotInstalled, "qemu-img is not installed."), "HYPERVISOR_INCOMPLETE", "qemu-img");
    }

    static IEnumerable<InjectedFault> Starts()
    {
        const string Start = nameof(IVmDriver.StartAsync);
        yield return Broken("QEMU dies at start", Start,
            () => Vm(VmFailure.StartFailed, "QEMU ended while it started: signal 11."), "START_FAILED", "signal 11");
        yield return Broken("KVM is missing", Start,
            () => Vm(VmFailure.StartFailed, "QEMU ended while it started: could not access KVM."), "START_FAILED", "KVM");
        yield return Broken("QEMU is missing", Start,
            () => Vm(VmFailure.NotInstalled, "qemu-system-x86_64 is not installed."), "HYPERVISOR_INCOMPLETE", "qemu-system");
        yield return Broken("QEMU does not answer", Start,
            () => Vm(VmFailure.Unresponsive, "QEMU did not answer within 10 s."), "VM_UNRESPONSIVE", "did not answer");
        yield return Broken("the plan breaks a rule", Start,
            () => Vm(VmFailure.InvalidPlan, "The server's machine has no processor."), "INVALID_VM", "no processor");
        yield return Broken("more is asked of the vm than it can do", Start,
            () => Vm(VmFailure.Busy, "17 requests wait for the vm."), "VM_BUSY", "17 requests");
        yield return Broken("the kernel refuses the port", "EnsurePortAsync",
            () => new IOException("no buffer space available"), "PORT_NOT_APPLIED", "no buffer space");
        yield return Broken("the kernel refuses the filters", "EnsureSetsAsync",
            () => new IOException("netlink: invalid argument"), "PORT_NOT_APPLIED", "invalid argument");
    }

    static IEnumerable<InjectedFault> Guests()
    {
        yield return new("the guest is silent", "GUEST_SILENT", "does not answer ARP", async scene =>
        {
            scene.Silence(nameof(IGuestProbe.AnswersArpAsync));
            await scene.CreateAsync();
        });
        yield return new("the guest's service is silent", "GUEST_SILENT", "TCP port 80", async scene =>
        {
            scene.Silence(nameof(IGuestProbe.AcceptsTcpAsync));
            await scene.CreateAsync(s => s.ReadyProbe = new ReadyProbe { TcpPort = 80 });
        });
        yield return new("no BGP session takes the routes", "NOT_ANNOUNCED", "BGP sessions", async scene =>
        {
            scene.Silence(nameof(IRoutes.CountPeersAsync));
            await scene.CreateAsync();
        });
        yield return new("QEMU dies again and again", "VM_CRASH_LOOP", "killed by the kernel", async scene =>
        {
            var node = scene.NodeOf(await scene.ReadyAsync());
            for (var i = 0; i < 8; i++)
            {
                foreach (var id in node.Running()) node.Vms.Crash(new VmId(id), "it was killed by the kernel");
                await Task.Delay(TimeSpan.FromSeconds(20), scene.Cloud.Time);
            }
        });
        yield return new("the guest shuts itself down", "GUEST_POWERED_OFF", "shut itself down", async scene =>
        {
            var node = scene.NodeOf(await scene.ReadyAsync());
            foreach (var id in node.Running()) node.Vms.PowerOff(new VmId(id));
        });
        yield return Stopping("QEMU cannot be stopped", VmFailure.Unresponsive, "QEMU did not end within 30 s.", "VM_UNRESPONSIVE");
    }

    static InjectedFault Stopping(string name, VmFailure failure, string message, string reason) =>
        new(name, reason, message, async scene =>
        {
            await scene.ReadyAsync();
            scene.Break(nameof(IVmDriver.StopAsync), () => Vm(failure, message));
            await scene.Servers.StopServerAsync(new StopServerRequest { Name = Scene.Name });
        });

    static IEnumerable<InjectedFault> Placements()
    {
        static InjectedFault Nowhere(string name, string says, Func<Scene, Task> prepare, Action<Server>? wanted = null) =>
            new(name, "NO_VALID_HYPERVISOR", says, async scene =>
            {
                await prepare(scene);
                await scene.CreateAsync(wanted);
            });
        static Func<Scene, Task> Flavor(Action<Flavor> of) => scene =>
        {
            var flavor = new Flavor { Vcpus = 1, MemoryMib = 512, DiskGib = 1 };
            of(flavor);
            return scene.Flavors.CreateFlavorAsync(new CreateFlavorRequest { FlavorId = "odd", Flavor = flavor }).ResponseAsync;
        };
        static void Odd(Server server) => server.Flavor = "flavors/odd";

        yield return Nowhere("no hypervisor is connected", "3 not connected", s => s.DownAsync(s.Cloud.Nodes));
        yield return Nowhere("every hypervisor is closed", "3 closed for new servers",
            s => s.UpdateAllAsync(() => new() { Schedulable = false }, "schedulable"));
        yield return Nowhere("people work on every hypervisor", "3 closed for new servers",
            s => s.UpdateAllAsync(() => new() { Maintenance = "new fans" }, "maintenance"));
        yield return Nowhere("another zone is asked for", "3 in another availability zone", _ => Task.CompletedTask,
            server => server.AvailabilityZone = "zone9");
        yield return Nowhere("a trait is missing", "3 without a trait", Flavor(f => f.RequiredTraits.Add("gpu")), Odd);
        yield return Nowhere("a trait is excluded", "3 with a trait that the flavor excludes", async scene =>
        {
            await scene.UpdateAllAsync(() => new() { Traits = { "slow" } }, "traits");
            await Flavor(f => f.ForbiddenTraits.Add("slow"))(scene);
        }, Odd);
        yield return Nowhere("there are too few processors", "3 with too few free vCPUs", Flavor(f => f.Vcpus = 64), Odd);
        yield return Nowhere("there is too little memory", "3 with too little free memory", Flavor(f => f.MemoryMib = 65_536), Odd);
        yield return Nowhere("there is too little disk", "3 with too little free disk", Flavor(f => f.DiskGib = 500), Odd);
        yield return Nowhere("the server group rules every hypervisor out", "3 that the server group rules out", async scene =>
        {
            await scene.Groups.CreateServerGroupAsync(new CreateServerGroupRequest
            {
                Parent = "projects/p1",
                ServerGroupId = "apart",
                ServerGroup = new() { Policy = ServerGroup.Types.Policy.AntiAffinity },
            });
            for (var i = 0; i < 3; i++) await scene.ReadyAsync(s => s.ServerGroup = "projects/p1/serverGroups/apart", $"other{i}");
        }, server => server.ServerGroup = "projects/p1/serverGroups/apart");
    }

    static IEnumerable<InjectedFault> Addresses()
    {
        yield return new("the pool has no address left", "ADDRESS_POOL_EXHAUSTED", "addressPools/tiny", async scene =>
        {
            await TinyAsync(scene);
            for (var i = 0; i < 2; i++) await scene.ReadyAsync(OfTiny, $"other{i}");
            await scene.CreateAsync(OfTiny);
        });
        yield return new("the address is another's", "InvalidArgument", "10.65.0.1 is held by somebody else", async scene =>
        {
            await TinyAsync(scene);
            await scene.ReadyAsync(s => s.Networks.Add(new ServerNetwork { Network = "projects/p1/networks/tiny", Address = "10.65.0.1" }), "other");
            await scene.CreateAsync(s => s.Networks.Add(new ServerNetwork { Network = "projects/p1/networks/tiny", Address = "10.65.0.1" }));
        });
        yield return new("the network is not there", "InvalidArgument", "networks/none", scene =>
            scene.CreateAsync(s => s.Networks.Add(new ServerNetwork { Network = "projects/p1/networks/none" })));
        yield return new("the image is not there", "InvalidArgument", "images/none", scene =>
            scene.CreateAsync(s => s.Image = "projects/p1/images/none"));
        yield return new("the flavor is not there", "InvalidArgument", "flavors/none", scene =>
            scene.CreateAsync(s => s.Flavor = "flavors/none"));
        yield return new("the name is taken", "AlreadyExists", "servers/web", async scene =>
        {
            await scene.CreateAsync();
            await scene.CreateAsync();
        });

    }

    const string Tiny = "projects/p1/networks/tiny";

    static void OfTiny(Server server) => server.Networks.Add(new ServerNetwork { Network = Tiny });

    /// <summary>A network of two addresses.</summary>
    static async Task TinyAsync(Scene scene)
    {
        await scene.Pools.CreateAddressPoolAsync(new()
        {
            AddressPoolId = "tiny",
            AddressPool = new() { Prefixes = { "10.65.0.0/31" }, Purpose = Network.V1.AddressPool.Types.Purpose.Server },
        });
        await scene.Networks.CreateNetworkAsync(new()
        {
            Parent = "projects/p1",
            NetworkId = "tiny",
            Network = new() { AddressPools = { "addressPools/tiny" } },
        });
    }

    static IEnumerable<InjectedFault> Absences()
    {
        static InjectedFault Away(string name, string reason, string says, Func<Scene, Task> then, string maintenance = "") =>
            new(name, reason, says, async scene =>
            {
                var node = scene.NodeOf(await scene.ReadyAsync());
                if (maintenance.Length > 0) await scene.UpdateAsync(node, new() { Maintenance = maintenance }, "maintenance");
                await scene.DownAsync(node);
                await then(scene);
            });

        yield return Away("the agent is away when the server is to stop", "HYPERVISOR_DOWN", "stops when it is back",
            s => s.Servers.StopServerAsync(new StopServerRequest { Name = Scene.Name }).ResponseAsync);
        yield return Away("the agent is away when the server is to restart", "HYPERVISOR_DOWN", "goes on when it is back",
            s => s.Servers.RestartServerAsync(new RestartServerRequest { Name = Scene.Name }).ResponseAsync);
        yield return Away("the agent is away when the server is rebuilt", "HYPERVISOR_DOWN", "made anew when it is back",
            s => s.Servers.RebuildServerAsync(new RebuildServerRequest { Name = Scene.Name }).ResponseAsync);
        yield return Away("people work on the hypervisor", "HYPERVISOR_MAINTENANCE", "new fan",
            s => s.Servers.RestartServerAsync(new RestartServerRequest { Name = Scene.Name }).ResponseAsync, "new fan");
        yield return new("the agent is gone mid-way", "HYPERVISOR_DOWN", "is not connected", async scene =>
        {
            scene.Break(nameof(IVmDriver.StartAsync), () => Vm(VmFailure.Busy, "wait"));
            await scene.CreateAsync();
            var server = await scene.UntilAsync(s => s.Hypervisor.Length > 0, "placed");
            await scene.DownAsync(scene.NodeOf(server));
        });
        yield return new("the hypervisor is lost, and no other has room", "NO_VALID_HYPERVISOR", "closed for new servers", async scene =>
        {
            var server = await scene.ReadyAsync();
            await scene.UpdateAllAsync(() => new() { Schedulable = false }, "schedulable");
            await scene.DownAsync(scene.NodeOf(server));
            await scene.Hypervisors.EvacuateHypervisorAsync(new EvacuateHypervisorRequest { Name = server.Hypervisor, Fenced = true });
        });
        yield return new("the hypervisor may still be on", "FailedPrecondition", "Nothing makes sure", async scene =>
        {
            var server = await scene.ReadyAsync();
            await scene.DownAsync(scene.NodeOf(server));
            await scene.Hypervisors.EvacuateHypervisorAsync(new EvacuateHypervisorRequest { Name = server.Hypervisor });
        });
        yield return new("the hypervisor that is to be evacuated lives", "FailedPrecondition", "Drain it", async scene =>
            await scene.Hypervisors.EvacuateHypervisorAsync(new EvacuateHypervisorRequest
            {
                Name = (await scene.ReadyAsync()).Hypervisor,
                Fenced = true,
            }));
    }

    static IEnumerable<InjectedFault> Migrations()
    {
        static InjectedFault Moving(string name, string reason, string says, Func<Scene, Server, Task> prepare,
            Func<Scene, Task>? then = null) => new(name, reason, says, async scene =>
        {
            await prepare(scene, await scene.ReadyAsync());
            await scene.Servers.MigrateServerAsync(new MigrateServerRequest { Name = Scene.Name });
            if (then is not null) await then(scene);
        });

        yield return Moving("there is no other hypervisor", "NO_VALID_HYPERVISOR", "closed",
            (s, _) => s.UpdateAllAsync(() => new() { Schedulable = false }, "schedulable"));
        yield return Moving("the others have another QEMU", "NO_VALID_HYPERVISOR", "QEMU 9", async (scene, server) =>
        {
            foreach (var node in scene.Cloud.Nodes.Where(n => n != scene.NodeOf(server)))
            {
                node.Inventory.Capabilities["qemu"] = "9";
                await scene.DownAsync(node);
                node.Start();
            }
            await Task.Delay(TimeSpan.FromSeconds(30), scene.Cloud.Time);
        });
        yield return Moving("the target cannot start", "START_FAILED", "no huge pages", (scene, _) =>
        {
            scene.Break(nameof(IVmDriver.ReceiveAsync), () => Vm(VmFailure.StartFailed, "QEMU ended while it started: no huge pages."));
            return Task.CompletedTask;
        });
        yield return Moving("the target's disk is full", "HYPERVISOR_DISK_FULL", "disk is full", (scene, server) =>
        {
            foreach (var node in scene.Cloud.Nodes.Where(n => n != scene.NodeOf(server)))
                node.Faults.Break(nameof(IImages.FetchAsync), () => Image(ImageFailure.NoSpace, "The image cache's disk is full."));
            return Task.CompletedTask;
        });
        yield return Moving("the server is stopped meanwhile", "SUPERSEDED", "to be stopped", (scene, _) =>
        {
            scene.Break(nameof(IVmDriver.SendAsync), () => Vm(VmFailure.Busy, "wait"));
            return Task.CompletedTask;
        }, async scene => await scene.Servers.StopServerAsync(new StopServerRequest { Name = Scene.Name }));
        yield return Moving("the migration is aborted", "ABORTED", "", (scene, _) =>
        {
            scene.Break(nameof(IVmDriver.SendAsync), () => Vm(VmFailure.Busy, "wait"));
            return Task.CompletedTask;
        }, async scene => await scene.Servers.AbortMigrationAsync(new AbortMigrationRequest { Name = Scene.Name }));
        yield return Moving("the source is lost", "SOURCE_LOST", "lost, and given up", (scene, _) =>
        {
            scene.Break(nameof(IVmDriver.ReceiveAsync), () => Vm(VmFailure.Busy, "wait"));
            return Task.CompletedTask;
        }, async scene =>
        {
            var server = await scene.UntilAsync(s => s.Migration is not null, "migrating");
            await scene.DownAsync(scene.NodeOf(server));
            await scene.Hypervisors.EvacuateHypervisorAsync(new EvacuateHypervisorRequest { Name = server.Hypervisor, Fenced = true });
        });
        yield return Moving("the target of what is stopped cannot take it", "START_FAILED", "no huge pages", async (scene, _) =>
        {
            scene.Break(nameof(IVmDriver.ReceiveAsync), () => Vm(VmFailure.StartFailed, "QEMU ended while it started: no huge pages."));
            await scene.Servers.StopServerAsync(new StopServerRequest { Name = Scene.Name });
            await scene.UntilAsync(s => s is { State: Server.Types.State.Stopped, Reconciling: false }, "stopped");
        });
        yield return Moving("what is stopped is started meanwhile", "SUPERSEDED", "to be started", async (scene, _) =>
        {
            scene.Break(nameof(IVmDriver.ReceiveAsync), () => Vm(VmFailure.Busy, "wait"));
            await scene.Servers.StopServerAsync(new StopServerRequest { Name = Scene.Name });
            await scene.UntilAsync(s => s is { State: Server.Types.State.Stopped, Reconciling: false }, "stopped");
        }, async scene => await scene.Servers.StartServerAsync(new StartServerRequest { Name = Scene.Name }));
        yield return new("a server that is on its way up is migrated", "FailedPrecondition", "only a READY or STOPPED server", async scene =>
        {
            scene.Break(nameof(IVmDriver.StartAsync), () => Vm(VmFailure.Busy, "wait"));
            await scene.CreateAsync();
            await scene.Servers.MigrateServerAsync(new MigrateServerRequest { Name = Scene.Name });
        });
    }

    static IEnumerable<InjectedFault> Changes()
    {
        static InjectedFault Refused(string name, string code, string says, Func<Scene, Task> ask, Action<Server>? made = null) =>
            new(name, code, says, async scene =>
            {
                await scene.ReadyAsync(made);
                await ask(scene);
            });

        yield return Refused("the hypervisor has no room for the new size", "FailedPrecondition", "lacks", async scene =>
        {
            await scene.Flavors.CreateFlavorAsync(new() { FlavorId = "huge", Flavor = new() { Vcpus = 1, MemoryMib = 9000, DiskGib = 1 } });
            await scene.Servers.ResizeServerAsync(new() { Name = Scene.Name, Flavor = "flavors/huge" });
        });
        yield return Refused("the new disk is smaller", "InvalidArgument", "a disk never shrinks", scene =>
            scene.Servers.ResizeServerAsync(new() { Name = Scene.Name, Flavor = "flavors/small" }).ResponseAsync,
            server => server.Flavor = "flavors/large");
        yield return Refused("the server is locked", "FailedPrecondition", "month's end", async scene =>
        {
            await scene.Servers.UpdateServerAsync(new()
            {
                Server = new() { Name = Scene.Name, LockReason = "month's end" },
                UpdateMask = new() { Paths = { "lock_reason" } },
            });
            await scene.Servers.StopServerAsync(new() { Name = Scene.Name });
        });
        yield return Refused("the server is protected", "FailedPrecondition", "protected", scene =>
            scene.Servers.DeleteServerAsync(new() { Name = Scene.Name }).ResponseAsync, server => server.DeleteProtected = true);
    }

    static IEnumerable<InjectedFault> Cards()
    {
        static Task AttachAsync(Scene scene, string network = "") =>
            scene.Servers.AttachServerPortAsync(new() { Name = Scene.Name, Network = network }).ResponseAsync;

        yield return new("a port that comes finds no address", "ADDRESS_POOL_EXHAUSTED", "addressPools/tiny", async scene =>
        {
            await TinyAsync(scene);
            for (var i = 0; i < 2; i++) await scene.ReadyAsync(OfTiny, $"other{i}");
            await scene.ReadyAsync();
            await AttachAsync(scene, Tiny);
        });
        yield return new("QEMU takes no card", "PORTS_CHANGING", "did not answer", async scene =>
        {
            await scene.ReadyAsync();
            scene.Break(nameof(IVmDriver.PlugAsync), () => Vm(VmFailure.Unresponsive, "QEMU did not answer within 10 s."));
            await AttachAsync(scene);
        });
        yield return new("the guest does not let go of a card", "PORTS_CHANGING", "has not let go", async scene =>
        {
            await scene.ReadyAsync();
            await AttachAsync(scene);
            await scene.UntilAsync(s => s is { Reconciling: false, Addresses.Count: 2 }, "with two ports");
            scene.Break(nameof(IVmDriver.PlugAsync), () => Vm(VmFailure.Busy, "The guest has not let go of the card."));
            var ports = await scene.Ports.ListPortsAsync(new() { Parent = "projects/p1" });
            await scene.Servers.DetachServerPortAsync(new() { Name = Scene.Name, Port = ports.Ports[^1].Name });
        });
    }

    static IEnumerable<InjectedFault> Copies()
    {
        static InjectedFault Copied(string name, string reason, string says, Func<Scene, Server, Task> prepare,
            Func<Scene, Server, Task>? then = null) => new(name, reason, says, async scene =>
        {
            var server = await scene.ReadyAsync();
            await prepare(scene, server);
            await scene.CopyAsync();
            if (then is not null) await then(scene, server);
        })
            {
                OfCopy = true,
            };
        static Task Broken(Scene scene, VmFailure failure, string message)
        {
            scene.Break(nameof(IVmDriver.SnapshotAsync), () => Vm(failure, message));
            return Task.CompletedTask;
        }

        yield return Copied("the disk is full for the copy of a disk", "HYPERVISOR_DISK_FULL", "no space left",
            (s, _) => Broken(s, VmFailure.NoSpace, "There is no space left for the copy."));
        yield return Copied("the disk to be copied is gone", "COPY_FAILED", "no disk here",
            (s, _) => Broken(s, VmFailure.NotFound, "The vm has no disk here to copy."));
        yield return Copied("the copy of a disk waits for something else", "COPY_FAILED", "17 requests",
            (s, _) => Broken(s, VmFailure.Busy, "17 requests wait for the vm."));
        yield return Copied("the agent is gone before the disk is copied", "HYPERVISOR_DOWN", "when it is back",
            (s, _) => Broken(s, VmFailure.Busy, "wait"), (s, server) => s.DownAsync(s.NodeOf(server)));
        yield return Copied("the server is deleted before its disk is copied", "SERVER_DELETED", "was deleted before",
            (s, _) => Broken(s, VmFailure.Busy, "wait"),
            (s, _) => s.Servers.DeleteServerAsync(new() { Name = Scene.Name }).ResponseAsync);
        yield return Copied("the server is rebuilt before its disk is copied", "DISK_GONE", "rebuilt or moved",
            (s, _) => Broken(s, VmFailure.Busy, "wait"),
            (s, _) => s.Servers.RebuildServerAsync(new() { Name = Scene.Name }).ResponseAsync);
    }
}
