namespace Monolith.Cli.Manual;

/// <summary>
/// What a person would type. Every command has an example, and every example is a line that the command accepts: a test
/// holds both.
/// </summary>
internal static class Examples
{
    /// <param name="path">A command as it is called: <c>monolith server create</c>.</param>
    public static IReadOnlyList<string> Of(string path)
    {
        if (Special.TryGetValue(path, out var own))
            return own;
        if (path.Split(' ') is not [_, var word, var verb] || !Samples.TryGetValue(word, out var name))
            return [];
        return verb switch
        {
            "list" => [$"monolith {word} list", $"monolith {word} list -o json"],
            "show" => [$"monolith {word} show {name}", $"monolith {word} show {name} -o yaml"],
            "delete" => [$"monolith {word} delete {name}"],
            "watch" => [$"monolith {word} watch", $"monolith {word} watch {name} --timeout 1m"],
            "update" => [$"monolith {word} update {name} --label tier=web"],
            _ => [],
        };
    }

    static readonly Dictionary<string, string> Samples = new()
    {
        ["server"] = "web1",
        ["image"] = "debian",
        ["flavor"] = "small",
        ["server-group"] = "web",
        ["keypair"] = "laptop",
        ["network"] = "default",
        ["port"] = "db1-0",
        ["security-group"] = "web",
        ["address-set"] = "offices",
        ["floating-address"] = "www",
        ["lb"] = "front",
        ["zone"] = "corp",
        ["record"] = "corp/www.A",
        ["project"] = "demo",
        ["user"] = "bob",
        ["group"] = "developers",
        ["domain"] = "payments",
        ["service-account"] = "ci",
        ["identity-provider"] = "corp",
        ["token"] = "bob/01a20d26-5ebc-73f1-8bbe-9815b3f4ae7e",
        ["role"] = "member",
        ["role-binding"] = "01a20d26-5d59-7dd0-b515-f125f3820984",
        ["authority"] = "nodes-2",
        ["hypervisor"] = "hv1",
        ["prewarm"] = "debian",
        ["availability-zone"] = "az1",
        ["node"] = "lb1",
        ["fabric-peer"] = "hv1.tor1",
        ["fabric-breach"] = "hv1.single-next-hop.fabric",
        ["pool"] = "servers",
        ["reservation"] = "servers/mail",
    };

    static readonly Dictionary<string, string[]> Special = new()
    {
        ["monolith"] =
        [
            "monolith config save home --endpoint 127.0.0.1:5080 --token TOKEN --project demo",
            "monolith project create demo",
            "monolith server create web1 --image debian --flavor small --wait",
            "monolith server list",
        ],
        ["monolith server create"] =
        [
            "monolith server create web1 --image debian --flavor small --wait",
            "monolith server create web1 --image debian --flavor small --key laptop --user-data init.yaml",
            "monolith server create db1 --image debian --flavor small --network back,sg=db --label tier=db --group db",
        ],
        ["monolith server update"] =
            ["monolith server update web1 --label tier=web", "monolith server update web1 --meta role=db --meta site=ber"],
        ["monolith server list"] =
        [
            "monolith server list", "monolith server list --filter 'state = READY AND labels.tier = \"web\"'",
            "monolith server list --all-projects -o json",
        ],
        ["monolith server delete"] =
            ["monolith server delete web1 web2 --wait", "monolith server delete web1 --missing-ok",
                "monolith server delete web1 --force"],
        ["monolith server start"] = ["monolith server start web1 --wait"],
        ["monolith server stop"] = ["monolith server stop web1 --wait", "monolith server stop web1 --hard"],
        ["monolith server restart"] = ["monolith server restart web1 --wait", "monolith server restart web1 --hard"],
        ["monolith server resize"] = ["monolith server resize web1 large --wait"],
        ["monolith server rebuild"] =
            ["monolith server rebuild web1 --wait", "monolith server rebuild web1 --image debian-13 --wait"],
        ["monolith server snapshot"] =
            ["monolith server snapshot web1 web1-golden --wait", "monolith server snapshot web1 web-2026-11 --family web"],
        ["monolith server rescue"] =
            ["monolith server rescue web1 --wait", "monolith server rescue web1 --image family/debian --hard"],
        ["monolith server attach-port"] =
            ["monolith server attach-port web1 --network backend --wait", "monolith server attach-port web1 --address 10.0.0.17"],
        ["monolith server detach-port"] = ["monolith server detach-port web1 web1-1-0a1b2c3d4e5f --wait"],
        ["monolith server reach"] =
            ["monolith server reach web1 db1 --tcp 5432", "monolith server reach web1 192.0.2.7"],
        ["monolith server unrescue"] = ["monolith server unrescue web1 --wait"],
        ["monolith server undelete"] = ["monolith server undelete web1 --wait"],
        ["monolith server lock"] = ["monolith server lock db1 'audit until Friday, ask Ada'"],
        ["monolith server unlock"] = ["monolith server unlock db1"],
        ["monolith server migrate"] =
        [
            "monolith server migrate web1 --wait", "monolith server migrate web1 --to hv7",
            "monolith server migrate web1 --abort",
        ],
        ["monolith server events"] = ["monolith server events web1", "monolith server events web1 -o json"],
        ["monolith server ssh"] =
        [
            "monolith server ssh web1", "monolith server ssh web1 -L debian -- uptime",
        ],
        ["monolith server logins"] = ["monolith server logins web1", "monolith server logins web1 --certificates -o json"],
        ["monolith ssh"] =
        [
            "monolith ssh web1", "monolith ssh root@web1 -- systemctl status", "monolith ssh debian@web1 --root -- -L 8080:localhost:80",
            "monolith ssh web1 --identity ~/.ssh/id_ed25519.pub",
        ],
        ["monolith login-authority"] =
            ["monolith login-authority", "monolith login-authority --known-hosts"],
        ["monolith server console"] =
            ["monolith server console web1", "monolith server console web1 --lines 0"],
        ["monolith server log"] = ["monolith server log web1 --lines 100", "monolith server log web1 --follow"],
        ["monolith server screenshot"] = ["monolith server screenshot web1 web1.png"],
        ["monolith image upload"] =
        [
            "monolith image upload debian disk.qcow2", "monolith image upload debian disk.raw --exist-ok",
        ],
        ["monolith image import"] =
        [
            "monolith image import debian https://images.example.com/debian-13.qcow2 --wait",
            "monolith image import debian https://images.example.com/debian-13.raw --store-as qcow2",
        ],
        ["monolith image prewarm"] =
        [
            "monolith image prewarm debian --wait",
            "monolith image prewarm family/debian --availability-zone az1 --hypervisor-label rack=r7",
        ],
        ["monolith prewarm create"] =
        [
            "monolith prewarm create debian-az1 --image family/debian --availability-zone az1 --wait --timeout 1h",
            "monolith prewarm create tools --image demo/tools --hypervisor-label tier=web",
        ],
        ["monolith image download"] = ["monolith image download debian disk.qcow2"],
        ["monolith flavor create"] =
        [
            "monolith flavor create small --vcpus 1 --memory 2GiB --disk 10GiB",
            "monolith flavor create train --vcpus 16 --memory 128GiB --disk 1TiB --require gpu-a100 --placement pack",
        ],
        ["monolith server-group create"] =
        [
            "monolith server-group create web --policy anti-affinity",
            "monolith server-group create db --policy soft-anti-affinity --across rack",
        ],
        ["monolith keypair create"] = ["monolith keypair create laptop --public-key ~/.ssh/id_ed25519.pub"],
        ["monolith network create"] =
        [
            "monolith network create default --pool servers",
            "monolith network create back --pool servers --security-group db",
            "monolith network create out --pool servers --nat-pool public",
        ],
        ["monolith port create"] = ["monolith port create db1-0 --network default --address 10.64.0.9"],
        ["monolith port update"] =
        [
            "monolith port update db1-0 --egress-rate 1G --ingress-rate 1G",
            "monolith port update db1-0 --address 10.64.0.9 --address 0.0.0.0",
            "monolith port update router1-0 --allow-from 192.168.7.0/24",
        ],
        ["monolith address-set create"] =
            ["monolith address-set create offices --prefix 198.51.100.0/24 --prefix 2001:db8:7::/48"],
        ["monolith address-set update"] = ["monolith address-set update offices --prefix 198.51.100.0/25"],
        ["monolith floating-address create"] =
        [
            "monolith floating-address create www --to web1",
            "monolith floating-address create www --pool public --address 203.0.113.7",
        ],
        ["monolith floating-address attach"] =
            ["monolith floating-address attach www web2", "monolith floating-address attach www ports/db1-0"],
        ["monolith floating-address detach"] = ["monolith floating-address detach www"],
        ["monolith floating-address update"] = ["monolith floating-address update www --to web2"],
        ["monolith security-group create"] = ["monolith security-group create web --rule tcp:80 --rule tcp:443"],
        ["monolith security-group rule add"] =
        [
            "monolith security-group rule add web tcp:80",
            "monolith security-group rule add db tcp:5432@web icmp",
            "monolith security-group rule add db tcp:22@set:offices",
        ],
        ["monolith security-group rule remove"] = ["monolith security-group rule remove web tcp:80"],
        ["monolith lb create"] =
        [
            "monolith lb create front --listener http:80:web --pool web --member web1:80 --member web2:80 --wait",
            "monolith lb create mail --listener tcp:25:mx --pool mx,health=tcp --member 10.0.0.7:25,weight=50",
        ],
        ["monolith lb member list"] = ["monolith lb member list front"],
        ["monolith lb member add"] =
            ["monolith lb member add front web3:80", "monolith lb member add front web=web3:80,weight=10 --wait"],
        ["monolith lb member remove"] = ["monolith lb member remove front web3"],
        ["monolith lb member drain"] = ["monolith lb member drain front web3"],
        ["monolith lb member undrain"] = ["monolith lb member undrain front web3"],
        ["monolith lb listener list"] = ["monolith lb listener list front"],
        ["monolith lb listener add"] = ["monolith lb listener add front tcp:5432:db"],
        ["monolith lb listener remove"] = ["monolith lb listener remove front tcp-5432"],
        ["monolith lb pool list"] = ["monolith lb pool list front"],
        ["monolith lb pool add"] = ["monolith lb pool add front db,health=tcp,interval=2s"],
        ["monolith lb pool remove"] = ["monolith lb pool remove front db"],
        ["monolith zone create"] = ["monolith zone create corp --domain corp.example"],
        ["monolith record create"] =
        [
            "monolith record create --zone corp www A 10.64.0.9",
            "monolith record create --zone corp @ MX '10 mail.corp.example.' --ttl 300",
        ],
        ["monolith record list"] = ["monolith record list --zone corp"],
        ["monolith record update"] = ["monolith record update corp/www.A --ttl 300"],
        ["monolith record watch"] = ["monolith record watch --zone corp"],
        ["monolith quota show"] =
            ["monolith quota show", "monolith quota show demo -o json", "monolith quota show --default"],
        ["monolith quota set"] =
        [
            "monolith quota set demo servers=100 vcpus=unlimited memory_mib=256GiB",
            "monolith quota set demo servers=default",
            "monolith quota set --default load_balancers=5",
        ],
        ["monolith quota explain"] = ["monolith quota explain servers", "monolith quota explain addresses demo"],
        ["monolith project create"] = ["monolith project create demo"],
        ["monolith project delete"] =
        [
            "monolith project delete demo",
            "monolith project delete demo --force",
            "monolith project delete demo --force --wait-period 0s --yes --wait",
        ],
        ["monolith project undelete"] = ["monolith project undelete demo"],
        ["monolith user create"] = ["monolith user create bob --email bob@corp.example"],
        ["monolith user update"] = ["monolith user update bob --disabled"],
        ["monolith authority create"] = ["monolith authority create --use nodes"],
        ["monolith authority activate"] = ["monolith authority activate nodes-2"],
        ["monolith authority delete"] = ["monolith authority delete nodes-1"],
        ["monolith authority certificates"] = ["monolith authority certificates > ca.pem"],
        ["monolith authority rotate"] = ["monolith authority rotate nodes", "monolith authority rotate logins --no-wait"],
        ["monolith domain create"] = ["monolith domain create payments --display-name 'Payments and billing'"],
        ["monolith group create"] = ["monolith group create developers --member bob --member sa:demo/ci"],
        ["monolith group update"] = ["monolith group update developers --display-name 'All who develop'"],
        ["monolith group member add"] = ["monolith group member add developers alice bob"],
        ["monolith group member remove"] = ["monolith group member remove developers bob"],
        ["monolith service-account create"] = ["monolith service-account create ci --display-name 'Builds and deploys'"],
        ["monolith service-account update"] = ["monolith service-account update ci --disabled"],
        ["monolith identity-provider create"] =
        [
            "monolith identity-provider create corp --issuer https://login.example.com --client-id monolith-cli --require hd=example.com",
            "monolith identity-provider create corp --issuer https://sso.example.com/realms/corp --client-id cloud --groups-claim groups "
                + "--group /eng=groups/engineers",
        ],
        ["monolith identity-provider update"] =
            ["monolith identity-provider update corp --session-time 8h", "monolith identity-provider update corp --user-template 'corp-{local}'"],
        ["monolith token create"] =
            [
                "monolith token create", "monolith token create --user bob --ttl 30d --display-name laptop",
                "monolith token create --service-account ci --ttl 90d --display-name runner-7",
                "monolith token create --scope demo --permission compute.servers.get --permission compute.servers.restart --ttl 90d",
            ],
        ["monolith token list"] = ["monolith token list", "monolith token list --user bob", "monolith token list --service-account demo/ci"],
        ["monolith user set-password"] =
            ["monolith user set-password bob", "monolith user set-password bob --none"],
        ["monolith token access"] = ["monolith token access", "monolith token access --audience https://vault.corp.example --ttl 5m"],
        ["monolith token revoke"] = ["monolith token revoke bob/01a20d26-5ebc-73f1-8bbe-9815b3f4ae7e"],
        ["monolith token whoami"] = ["monolith token whoami"],
        ["monolith role create"] =
            ["monolith role create restarter --permission compute.servers.get --permission compute.servers.restart --description 'night shift'"],
        ["monolith role update"] = ["monolith role update restarter --permission compute.servers.get --permission compute.servers.list"],
        ["monolith role delete"] = ["monolith role delete restarter"],
        ["monolith access test"] =
        [
            "monolith access test compute.servers.create compute.servers.delete", "monolith access test identity.users.create --on cloud",
        ],
        ["monolith access explain"] =
        [
            "monolith access explain compute.servers.create",
            "monolith access explain compute.servers.delete --member bob --on projects/demo/servers/web1",
        ],
        ["monolith role-binding create"] =
        [
            "monolith role-binding create --role member --member bob --scope demo",
            "monolith role-binding create --role reader --member group:developers --scope demo",
            "monolith role-binding create --role member --member sa:demo/ci --scope other",
            "monolith role-binding create --role member --member group:developers --scope demo --if stage=test",
            "monolith role-binding create --role reader --member bob --scope projects/demo/servers/web1",
            "monolith role-binding create --role domainAdmin --member group:payments --scope domains/payments",
            "monolith role-binding create --role operator --member bob --scope cloud",
        ],
        ["monolith hypervisor update"] =
        [
            "monolith hypervisor update hv1 --vcpu-ratio 4 --reserve-memory 4GiB",
            "monolith hypervisor update hv1 --label rack=r7 --trait ssd --trait gpu-a100",
        ],
        ["monolith hypervisor enable"] = ["monolith hypervisor enable hv1"],
        ["monolith hypervisor drain"] =
            ["monolith hypervisor drain hv1 --wait --timeout 2h", "monolith hypervisor drain hv1 --abort"],
        ["monolith hypervisor evacuate"] =
        [
            "monolith hypervisor evacuate hv1 --fenced --wait",
            "monolith hypervisor evacuate hv1 --validate-only",
            "monolith hypervisor evacuate hv1 --abort",
        ],
        ["monolith hypervisor maintain"] =
            ["monolith hypervisor maintain hv1 --reason 'new fan'", "monolith hypervisor maintain hv1 --end"],
        ["monolith hypervisor what-if"] =
        [
            "monolith hypervisor what-if hv1 hv2",
            "monolith hypervisor what-if --filter 'labels.rack = r7' -o json",
        ],
        ["monolith hypervisor disable"] = ["monolith hypervisor disable hv1"],
        ["monolith pool create"] =
        [
            "monolith pool create servers --prefix 10.64.0.0/16 --purpose server",
            "monolith pool create vips --prefix 10.96.0.0/24 --purpose load-balancer",
            "monolith pool create az1 --prefix 10.80.0.0/16 --exclude 10.80.0.1-10.80.0.9 --availability-zone az1 "
                + "--owner demo --quarantine 10m",
        ],
        ["monolith pool export"] = ["monolith pool export", "monolith pool export servers --format netbox"],
        ["monolith pool import"] =
        [
            "monolith pool import addresses.csv --validate-only",
            "monolith pool import netbox.json --format netbox",
        ],
        ["monolith reservation create"] =
        [
            "monolith reservation create mail --pool servers --addresses 10.64.0.5-10.64.0.9 --owner demo",
            "monolith reservation create switch7 --pool racks --note 'rack 7, switch'",
        ],
        ["monolith reservation list"] =
            ["monolith reservation list --pool servers", "monolith reservation list --pool - -o json"],
        ["monolith address history"] =
        [
            "monolith address history 10.64.0.7", "monolith address history 10.64.0.7 --at 2026-01-31T12:00:00Z",
            "monolith address history --holder projects/demo/servers/web1",
        ],
        ["monolith event list"] = ["monolith event list", "monolith event list --all-projects --limit 20"],
        ["monolith audit list"] = ["monolith audit list --by bob --since 2h", "monolith audit list -A --refused"],
        ["monolith audit export"] = ["monolith audit export --since 30d"],
        ["monolith audit verify"] =
            ["monolith audit verify", "monolith audit verify --anchor SEQ:DIGEST", "monolith audit verify --file audit.jsonl"],
        ["monolith event watch"] = ["monolith event watch", "monolith event watch --all-projects -o json"],
        ["monolith node token"] =
        [
            "monolith node token hv1 --role hypervisor", "monolith node token lb1 --role load-balancer --ttl 1d",
        ],
        ["monolith agent join"] = ["monolith agent join --host 192.0.2.1:5443 --token TOKEN"],
        ["monolith fleet"] =
        [
            "monolith fleet list", "monolith fleet run small",
            "monolith fleet run control-plane-restart --hypervisors 300 --report /tmp/report",
        ],
        ["monolith login"] = ["monolith login", "monolith login --user bob", "monolith login --provider corp"],
        ["monolith logout"] = ["monolith logout"],
        ["monolith config list"] = ["monolith config list"],
        ["monolith config save"] =
            ["monolith config save home --endpoint cloud.example:5443 --ca ca.pem --token TOKEN --project demo"],
        ["monolith config show"] = ["monolith config show"],
        ["monolith config use"] = ["monolith config use home"],
        ["monolith config delete"] = ["monolith config delete home"],
        ["monolith completion"] =
        [
            "source <(monolith completion bash)",
            "monolith completion fish > ~/.config/fish/completions/monolith.fish",
        ],
        ["monolith version"] = ["monolith version"],
    };
}
