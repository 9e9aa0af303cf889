using System.Reflection;
using Google.Protobuf.Reflection;
using Monolith.Protos;

namespace Monolith.Modules.Tests.Platform;

public class DescriptorTests
{
    [Fact]
    public void EveryFile_IsMadeBeforeThreadsMeetIt()
    {
        var files = typeof(Descriptors).Assembly.GetTypes()
            .Where(t => t.Name.EndsWith("Reflection", StringComparison.Ordinal))
            .Select(t => t.GetProperty("Descriptor", BindingFlags.Public | BindingFlags.Static)?.GetValue(null))
            .OfType<FileDescriptor>().Select(f => f.Name).ToList();
        Assert.NotEmpty(files);
        Assert.Empty(files.Except(Descriptors.MakeAll().Select(f => f.Name)));
    }
}
