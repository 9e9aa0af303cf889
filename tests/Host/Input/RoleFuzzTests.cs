using System.Globalization;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Monolith.Compute.V1;
using Monolith.Host.Tests.Cloud;
using Monolith.Identity.V1;

namespace Monolith.Host.Tests.Input;

/// <summary>
/// Every method, as everybody, with messages that are almost right: names of what is there, in one's own project and in
/// another's, and rubbish between them. On a cloud of its own, since half of what is asked for is done.
/// <c>FUZZ_ROUNDS</c> says how often (3), <c>FUZZ_SEED</c> repeats a run.
/// </summary>
public sealed class RoleFuzzTests(ITestOutputHelper output)
{
    const string Marker = "only-other-knows-this";
    static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(200);
    static readonly int Rounds = Number("FUZZ_ROUNDS") ?? 3;
    static readonly int Seed = Number("FUZZ_SEED") ?? Random.Shared.Next();

    static readonly StatusCode[] Ours = [StatusCode.Internal, StatusCode.Unknown, StatusCode.DataLoss, StatusCode.Unimplemented];

    sealed record Who(string Name, ApiClient Api, string? Token, bool IsConfined);

    [Fact]
    public async Task EveryMethod_AsEverybody_IsNeverOurFault_AndTellsNobodyOfAnothersProject()
    {
        output.WriteLine($"FUZZ_SEED={Seed} FUZZ_ROUNDS={Rounds}");
        await using var host = new RunningHost { Limits = new() { Refusals = 1_000_000, CallerStreams = 100_000 } };
        await host.InitializeAsync();
        var secrets = await SecretsAsync(host);
        Assert.True(secrets.Count > 12, $"{secrets.Count} secrets");
        using var node = await host.JoinedAsync("fuzzed", NodeRole.Hypervisor);
        // Who is confined comes first: what the others make public is no secret any more.
        Who[] everybody =
        [
            new("a member of own", host.Api, await host.UserAsync("f-member", ("roles/member", "projects/own")), true),
            new("a reader of own", host.Api, await host.UserAsync("f-reader", ("roles/reader", "projects/own")), true),
            new("own's administrator", host.Api, await host.UserAsync("f-owner", ("roles/projectAdmin", "projects/own")), true),
            new("a user without a role", host.Api, await host.UserAsync("f-nobody"), true),
            new("who shows nothing", host.Api, null, true),
            new("who shows rubbish", host.Api, "mt1_rubbish", true),
            new("a hypervisor", new ApiClient(node.CreateCallInvoker()), null, true),
            new("a reader of the cloud", host.Api, await host.UserAsync("f-onlooker", ("roles/reader", "")), false),
            new("an operator", host.Api, await host.UserAsync("f-operator", ("roles/operator", "")), false),
            new("an administrator", host.Api, await host.UserAsync("f-admin", ("roles/admin", "")), false),
        ];
        var names = Names();
        var wrong = new List<string>();
        var (calls, done) = (0, 0);
        foreach (var who in everybody)
            await Parallel.ForEachAsync(Methods.All, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (method, _) =>
            {
                for (var round = 0; round < Rounds; round++)
                {
                    var seed = unchecked((((Seed * 31) + round) * 31 + Array.IndexOf(everybody, who)) * 31 + Stable(method.ToString()));
                    var rubbish = new Rubbish(new Random(seed), names);
                    IMessage[] requests = [.. Enumerable.Range(0, method.Descriptor.IsClientStreaming ? 2 : 1)
                        .Select(_ => rubbish.Make(method.Descriptor.InputType))];
                    var dice = new Random(~seed);
                    if (method.Field.Length > 0 && dice.Next(5) > 0) Methods.Set(requests[0], method.Field, Place(method, dice));
                    var answer = await who.Api.CallAsync(method.Descriptor, who.Token, Quiet, requests);
                    Interlocked.Increment(ref calls);
                    if (answer.Code == StatusCode.OK) Interlocked.Increment(ref done);
                    var fault = Ours.Contains(answer.Code) ? $"{answer}"
                        : who.IsConfined ? Leak(answer, requests, secrets) : null;
                    if (fault is null) continue;
                    lock (wrong)
                        wrong.Add($"{method} as {who.Name}, round {round}: {fault}\n{string.Join('\n', requests.Select(Shown))}");
                }
            });
        await host.AliveAsync();
        output.WriteLine($"{calls} calls, {done} of them done");
        Assert.True(wrong.Count == 0, $"{wrong.Count} of {calls}:\n" + string.Join('\n', wrong.Take(10)));
        // Some of it is almost right, or nothing was tried.
        Assert.True(done > calls / 20, $"{done} of {calls} done");
    }

    // A string's own hash code is another in each process.
    static int Stable(string text) => text.Aggregate(17, (hash, c) => unchecked((hash * 31) + c));

    /// <summary>Where a call acts: on what is there, in one of the two.</summary>
    static string Place(ApiMethod method, Random dice)
    {
        var isFirst = true;
        return string.Concat(method.Pattern.Split('/').Select((part, i) => (i == 0 ? "" : "/") + (part != "*" ? part
            : Next(ref isFirst, method.Pattern, dice))))
            .Replace("servers/r1", "servers/s1", StringComparison.Ordinal)
            .Replace("recordSets/r1", "recordSets/r1.A", StringComparison.Ordinal);

        static string Next(ref bool isFirst, string pattern, Random dice)
        {
            var first = isFirst;
            isFirst = false;
            return !first ? "r1" : pattern.Split('/')[0] switch
            {
                "projects" => dice.Next(3) > 0 ? "own" : "other",
                "users" => "f-member",
                "flavors" => "small",
                "addressPools" => "servers",
                "hypervisors" => "speaker",
                "roles" => "reader",
                "certificateAuthorities" => "nodes-1",
                _ => "r1",
            };
        }
    }

    static string? Leak(Answer answer, IMessage[] requests, HashSet<string> secrets)
    {
        var text = answer.Response is { } response ? Encoding.Latin1.GetString(response.ToByteArray()) : answer.Message + answer.Status;
        // What it says itself is no news to it.
        var said = string.Concat(requests.Select(r => Encoding.Latin1.GetString(r.ToByteArray())));
        return secrets.FirstOrDefault(s => text.Contains(s, StringComparison.Ordinal) && !said.Contains(s, StringComparison.Ordinal))
            is { } leaked ? $"it tells {leaked}" : null;
    }

    /// <summary>What is known of the other project's things, and of nothing else.</summary>
    static async Task<HashSet<string>> SecretsAsync(RunningHost host)
    {
        await new ServerService.ServerServiceClient(host.Invoker).CreateServerAsync(new CreateServerRequest
        {
            Parent = host.Other.Name,
            ServerId = "s2",
            Server = new()
            {
                Flavor = "flavors/small",
                Image = host.Other.Name + "/images/r1",
                Networks = { new ServerNetwork { Network = host.Other.Name + "/networks/r1" } },
                DisplayName = Marker,
                Labels = { ["marker"] = Marker },
                UserData = ByteString.CopyFromUtf8(Marker),
            },
        }, host.Headers());
        var secrets = new HashSet<string> { Marker };
        foreach (var method in Methods.All.Where(m => m.Descriptor.Name.StartsWith("List", StringComparison.Ordinal)
            && m.Pattern == "projects/*" && !m.Descriptor.IsServerStreaming))
            if ((await host.Api.CallAsync(method.Descriptor, host.Token, method.At("other"))).Response is { } list)
                foreach (var found in Uids(list)) secrets.Add(found);
        return secrets;
    }

    static IEnumerable<string> Uids(IMessage message)
    {
        foreach (var field in message.Descriptor.Fields.InDeclarationOrder())
            switch (field.Accessor.GetValue(message))
            {
                case string { Length: 36 } uid when field.Name == "uid":
                    yield return uid;
                    break;
                case System.Collections.IList list when field.FieldType == FieldType.Message && !field.IsMap:
                    foreach (var inner in list.Cast<IMessage>().SelectMany(Uids)) yield return inner;
                    break;
            }
    }

    static List<string> Names()
    {
        string[] collections = ["servers/s1", "servers/new", "networks/r1", "ports/r1", "securityGroups/r1", "addressSets/r1",
            "floatingAddresses/r1", "keyPairs/r1", "serviceAccounts/r1", "serverGroups/r1", "images/r1", "imageFamilies/r1", "zones/r1",
            "zones/r1/recordSets/r1.A", "loadBalancers/r1", "quotas/servers"];
        return
        [
            .. new[] { "own", "other" }.SelectMany(p => collections.Select(c => $"projects/{p}/{c}").Append($"projects/{p}").Append($"projects/{p}")),
            "projects/-", "", "", "flavors/small", "addressPools/servers", "addressPools/public", "hypervisors/speaker", "users/f-member",
            "users/f-owner", "roles/reader", "roles/projectAdmin", "192.0.2.1", "10.64.0.9", "10.0.0.0/8", "TCP", "A", "r1", "s1", "new",
            "display_name", "labels", "example.org", "http", "name", "state = READY", "tcp:22",
        ];
    }

    static string Shown(IMessage message)
    {
        var text = JsonFormatter.Default.Format(message);
        return text.Length <= 600 ? text : text[..600] + "…";
    }

    static int? Number(string name) => int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None,
        CultureInfo.InvariantCulture, out var number) ? number : null;
}
