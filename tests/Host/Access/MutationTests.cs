using System.Collections;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Monolith.Host.Tests.Cloud;

namespace Monolith.Host.Tests.Access;

/// <summary>What every method that changes something has in common (AIP-155, 163), and every watch.</summary>
public sealed class MutationTests(RunningHost host)
{
    public static TheoryData<string> Watches => Methods.Named(m => m.Descriptor.Name.StartsWith("Watch",
        StringComparison.Ordinal) && m.Descriptor.Name != "WatchEvents");

    [Fact]
    public void EveryMethodThatChangesSomething_TakesARequestId_AndCanBeTried()
    {
        var changing = Methods.All.Where(m => m.Changes).ToList();
        Assert.True(changing.Count > 40, $"only {changing.Count} methods were found");
        Assert.All(changing, m => Assert.All(new[] { ("request_id", FieldType.String), ("validate_only", FieldType.Bool) },
            f => Assert.Equal(f.Item2, Parameters(m).FindFieldByName(f.Item1)?.FieldType)));

        static MessageDescriptor Parameters(ApiMethod m) => m.Descriptor.IsClientStreaming
            ? m.Descriptor.InputType.FindFieldByName("header").MessageType
            : m.Descriptor.InputType;
    }

    /// <summary>Of a name that is not there a watch is in sync at once; of one that is, it begins with that.</summary>
    [Theory]
    [MemberData(nameof(Watches))]
    public async Task EveryWatch_CanBeOfOneResource(string name)
    {
        var method = Methods.Find(name);
        var list = method.Descriptor.Service.Methods.First(m => m.Name.StartsWith("List", StringComparison.Ordinal)
            && m.OutputType.FindFieldByName("resume_token") is not null);
        string last = "";
        IMessage first = null!;
        // What other tests made may be gone when it is watched.
        await RunningHost.UntilAsync(async () =>
        {
            var all = (await host.Api.CallAsync(list, host.Token, Request(list, ""))).Response!;
            last = NameOf(((IList)all.Descriptor.Fields.InDeclarationOrder().First(f => f.IsRepeated).Accessor.GetValue(all)).Cast<IMessage>().Last());
            first = (await host.Api.CallAsync(method.Descriptor, host.Token, Request(method.Descriptor, last))).Response!;
            return Change(first) != "InSync";
        }, "the last of the list is there");
        var resource = first.Descriptor.Fields.InDeclarationOrder().First(f => f.FieldType == FieldType.Message);
        Assert.Equal(("Added", last), (Change(first), NameOf((IMessage)resource.Accessor.GetValue(first))));
        var absent = await host.Api.CallAsync(method.Descriptor, host.Token, Request(method.Descriptor, last + "x"));
        Assert.Equal("InSync", Change(absent.Response!));
        Assert.Equal(StatusCode.InvalidArgument, (await host.Api.CallAsync(method.Descriptor, host.Token,
            Request(method.Descriptor, "nonsense"))).Code);
        if (method.Descriptor.InputType.FindFieldByName("parent") is null) return;
        // In another parent nothing would ever be heard of it.
        Assert.Equal(StatusCode.InvalidArgument, (await host.Api.CallAsync(method.Descriptor, host.Token,
            Request(method.Descriptor, last.Replace("projects/own/", "projects/other/", StringComparison.Ordinal)))).Code);

        IMessage Request(MethodDescriptor m, string only)
        {
            var request = m.InputType.Parser.ParseFrom(ByteString.Empty);
            if (m.InputType.FindFieldByName("parent") is not null)
                Methods.Set(request, "parent", method.Pattern.Contains("zones", StringComparison.Ordinal)
                    ? "projects/own/zones/r1" : "projects/own");
            if (only.Length > 0) Methods.Set(request, "name", only);
            return request;
        }
    }

    static string NameOf(IMessage message) => (string)message.Descriptor.FindFieldByName("name").Accessor.GetValue(message);

    static string? Change(IMessage message) =>
        message.Descriptor.FindFieldByName("change").Accessor.GetValue(message).ToString();
}
