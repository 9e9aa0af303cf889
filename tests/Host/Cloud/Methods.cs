using System.Collections;
using System.Reflection;
using System.Text.RegularExpressions;
using Google.Api;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Monolith.Api.V1;

namespace Monolith.Host.Tests.Cloud;

/// <summary>A method as its proto has it.</summary>
/// <param name="Field">The request's field that says where it acts, with dots; empty when there is none.</param>
/// <param name="Pattern"><c>projects/*/servers/*</c>; empty as well.</param>
internal sealed record ApiMethod(MethodDescriptor Descriptor, string Permission, bool Anywhere, string Field, string Pattern)
{
    public bool InProject => Pattern.StartsWith("projects/*", StringComparison.Ordinal);
    public bool IsAgents => Permission.StartsWith("agent.", StringComparison.Ordinal);
    /// <summary>Any caller will do.</summary>
    public bool IsOpen => Permission is "authenticated" or "public";

    /// <summary>Nodes' own methods are no part of the public API: joining is made repeatable by its token and key.</summary>
    public bool Changes => !Descriptor.FullName.StartsWith("monolith.agent.", StringComparison.Ordinal)
        && !Reads.Any(r => Descriptor.Name.StartsWith(r, StringComparison.Ordinal));

    static readonly string[] Reads = ["Get", "List", "Watch", "Download", "Plan", "Explain", "Test", "Read", "Take", "Connect", "Export", "Verify", "Issue"];

    public override string ToString() => Descriptor.FullName;

    /// <summary>A request that acts there, and, where the method can, without a trace.</summary>
    /// <param name="ids">For each <c>*</c>; the last is repeated.</param>
    public IMessage At(params string[] ids)
    {
        var request = Empty();
        if (Field.Length > 0)
        {
            var i = 0;
            Methods.Set(request, Field, Regex.Replace(Pattern, @"\*", _ => ids[Math.Min(i++, ids.Length - 1)]));
        }
        return request;
    }

    public IMessage Empty()
    {
        var request = Descriptor.InputType.Parser.ParseFrom(ByteString.Empty);
        if (Descriptor.InputType.FindFieldByName("validate_only") is { } dry) dry.Accessor.SetValue(request, true);
        return request;
    }
}

/// <summary>Every method of every proto, walked from the descriptors.</summary>
internal static partial class Methods
{
    public static IReadOnlyList<ApiMethod> All { get; } =
    [
        .. typeof(AccessReflection).Assembly.GetTypes()
            .Select(t => t.GetProperty("Descriptor", BindingFlags.Public | BindingFlags.Static)?.GetValue(null))
            .OfType<FileDescriptor>().Distinct()
            .SelectMany(f => f.Services).SelectMany(s => s.Methods)
            .OrderBy(m => m.FullName, StringComparer.Ordinal).Select(Of),
    ];

    /// <summary>For theories: the names of the methods that fit.</summary>
    public static TheoryData<string> Named(Func<ApiMethod, bool> fits) => [.. All.Where(fits).Select(m => m.ToString())];

    public static ApiMethod Find(string name) => All.First(m => m.Descriptor.FullName == name);

    /// <summary>Sets a string below messages that are made on the way.</summary>
    public static void Set(IMessage message, string path, string value)
    {
        var parts = path.Split('.');
        foreach (var part in parts[..^1])
        {
            var field = message.Descriptor.FindFieldByName(part);
            if (field.Accessor.GetValue(message) is not IMessage inner)
                field.Accessor.SetValue(message, inner = field.MessageType.Parser.ParseFrom(ByteString.Empty));
            message = inner;
        }
        message.Descriptor.FindFieldByName(parts[^1]).Accessor.SetValue(message, value);
    }

    static ApiMethod Of(MethodDescriptor method)
    {
        var options = method.GetOptions();
        var (field, pattern) = Place(method);
        return new(method, options?.GetExtension(AccessExtensions.Permission) ?? "",
            options?.GetExtension(AccessExtensions.Anywhere) ?? false, field, pattern);
    }

    /// <summary>From the HTTP pattern; for a stream, which has none, from that of its service's list, get or take.</summary>
    static (string Field, string Pattern) Place(MethodDescriptor method)
    {
        if (Path(method) is { } own) return own;
        foreach (var (field, sibling) in new[]
            { ("parent", "List"), ("name", "Get"), ("header.parent", "List"), ("name", "Take") })
            if (Has(method.InputType, field) && method.Service.Methods.FirstOrDefault(m =>
                    m.Name.StartsWith(sibling, StringComparison.Ordinal) && Path(m) is not null) is { } other)
                return (field, Path(other)!.Value.Pattern);
        return ("", "");
    }

    static bool Has(MessageDescriptor type, string path)
    {
        var parts = path.Split('.');
        foreach (var part in parts[..^1])
        {
            if (type.FindFieldByName(part)?.MessageType is not { } inner) return false;
            type = inner;
        }
        return type.FindFieldByName(parts[^1]) is not null;
    }

    static (string Field, string Pattern)? Path(MethodDescriptor method)
    {
        var http = method.GetOptions()?.GetExtension(AnnotationsExtensions.Http);
        var text = http?.PatternCase switch
        {
            HttpRule.PatternOneofCase.Get => http.Get,
            HttpRule.PatternOneofCase.Post => http.Post,
            HttpRule.PatternOneofCase.Patch => http.Patch,
            HttpRule.PatternOneofCase.Delete => http.Delete,
            _ => "",
        };
        var match = PathField().Match(text ?? "");
        return match.Success ? (match.Groups[1].Value, match.Groups[2].Value) : null;
    }

    [GeneratedRegex(@"\{([\w.]+)=([^}]+)\}")]
    private static partial Regex PathField();
}
