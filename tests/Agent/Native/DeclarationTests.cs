using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using Monolith.Agent.Native.Raw;
using Monolith.Agent.Tests.Lab;

namespace Monolith.Agent.Tests.Native;

/// <summary>Asks the C compiler about every struct and constant that the raw room declares.</summary>
public sealed class DeclarationTests
{
    private static readonly Type[] Raw = [.. typeof(CStructAttribute).Assembly.GetTypes()];

    [Fact]
    public void Structs_HaveTheSizesAndOffsetsOfC()
    {
        var headers = new List<string> { "stddef.h" };
        var body = new StringBuilder();
        var ours = new List<string>();
        foreach (var (type, c) in Marked<CStructAttribute>())
        {
            headers.Add(c.Header);
            body.Append(CultureInfo.InvariantCulture, $"  printf(\"{c.Name} %zu\\n\", sizeof({c.Name}));\n");
            ours.Add($"{c.Name} {Marshal.SizeOf(type)}");
            foreach (var field in type.GetFields(BindingFlags.Public | BindingFlags.Instance))
            {
                body.Append(CultureInfo.InvariantCulture,
                    $"  printf(\"{c.Name}.{field.Name} %zu\\n\", offsetof({c.Name}, {field.Name}));\n");
                ours.Add($"{c.Name}.{field.Name} {Marshal.OffsetOf(type, field.Name)}");
            }
        }

        Assert.NotEmpty(ours);
        Assert.Equal(string.Join('\n', ours), Compile("structs", headers, body.ToString()));
    }

    [Fact]
    public void Constants_HaveTheValuesOfC()
    {
        var checkedOnes = 0;
        foreach (var (type, c) in Marked<CConstantsAttribute>())
        {
            var body = new StringBuilder();
            var ours = new List<string>();
            foreach (var field in type.GetFields(BindingFlags.Public | BindingFlags.Static).Where(f => f.IsLiteral))
            {
                body.Append(CultureInfo.InvariantCulture,
                    $"  printf(\"{field.Name} %lld\\n\", (long long)({CType(field.FieldType)})({field.Name}));\n");
                ours.Add($"{field.Name} {Convert.ToInt64(field.GetRawConstantValue(), CultureInfo.InvariantCulture)}");
            }

            checkedOnes += ours.Count;
            Assert.Equal(string.Join('\n', ours), Compile(type.Name, c.Headers, body.ToString()));
        }

        Assert.True(checkedOnes > 0);
    }

    private static IEnumerable<(Type Type, T Attribute)> Marked<T>()
        where T : Attribute =>
        Raw.Select(t => (Type: t, Attribute: t.GetCustomAttribute<T>())).Where(p => p.Attribute is not null).Select(
            p => (p.Type, p.Attribute!));

    /// <summary>
    /// A macro such as ~0xC000 is an int in C and means what is left of it in the field that it is for.
    /// </summary>
    private static string CType(Type type) => Type.GetTypeCode(type) switch
    {
        TypeCode.Byte => "unsigned char",
        TypeCode.Int16 => "short",
        TypeCode.UInt16 => "unsigned short",
        TypeCode.Int32 => "int",
        TypeCode.UInt32 => "unsigned",
        _ => "long long",
    };

    private static string Compile(string name, IEnumerable<string> headers, string body)
    {
        var directory = Directory.CreateTempSubdirectory("mt-c-");
        try
        {
            var source = Path.Combine(directory.FullName, name + ".c");
            var program = Path.Combine(directory.FullName, name);
            var includes = string.Concat(headers.Distinct().Select(h => $"#include <{h}>\n"));
            File.WriteAllText(source,
                $"#define _GNU_SOURCE\n#include <stdio.h>\n{includes}int main(void) {{\n{body}  return 0;\n}}\n");
            var (code, output, errors) = TestNamespace.Execute("gcc", ["-o", program, source]);
            Assert.True(code == 0, output + errors);
            return TestNamespace.Execute(program, []).Output.TrimEnd('\n');
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }
}
