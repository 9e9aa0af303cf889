namespace Monolith.Agent.Native.Raw;

/// <summary>A struct that must have the size and the field offsets of a C struct; a test asks the C compiler.</summary>
/// <param name="header">Header that declares it, as in <c>#include</c>.</param>
/// <param name="name">Name in C, with <c>struct</c>.</param>
[AttributeUsage(AttributeTargets.Struct)]
internal sealed class CStructAttribute(string header, string name) : Attribute
{
    public string Header { get; } = header;

    public string Name { get; } = name;
}

/// <summary>
/// A class whose integer constants must have the values that C gives them; a test asks the C compiler.
/// </summary>
/// <param name="headers">Headers that declare them, in the order of inclusion.</param>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class CConstantsAttribute(params string[] headers) : Attribute
{
    public IReadOnlyList<string> Headers { get; } = headers;
}
