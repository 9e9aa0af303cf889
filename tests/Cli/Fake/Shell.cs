using Monolith.Cli.Session;

namespace Monolith.Cli.Tests.Fake;

/// <summary>Runs command lines as a process would, with an environment and a home directory of its own.</summary>
internal sealed class Shell : IDisposable
{
    readonly string home = Directory.CreateTempSubdirectory("monolith-cli-").FullName;

    public Dictionary<string, string> Environment { get; } = [];

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Standard error is a terminal.</summary>
    public bool Interactive { get; init; }

    /// <summary>What is on standard input.</summary>
    public Stream Input { get; init; } = Stream.Null;

    /// <summary>What commands wrote to standard output as bytes.</summary>
    public MemoryStream Bytes { get; } = new();

    /// <summary>Standard input is a terminal: what makes it raw.</summary>
    public Func<IDisposable>? RawInput { get; init; }

    public string ConfigurationFile => Path.Combine(home, "monolith", "config.json");

    public string FileAt(string name) => Path.Combine(home, name);

    public static Shell Of(Cloud cloud, bool interactive = false, TimeProvider? time = null, string input = "", bool rawInput = false) => new()
    {
        Interactive = interactive,
        Time = time ?? TimeProvider.System,
        Environment = { ["MONOLITH_ENDPOINT"] = cloud.Endpoint },
        Input = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(input)),
        RawInput = rawInput ? () => new MemoryStream() : null,
    };

    public async Task<Outcome> RunAsync(params string[] arguments)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var app = new App(Around(output, error));
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        var code = await app.RunAsync(arguments, limit.Token);
        return new Outcome(code, output.ToString(), error.ToString());
    }

    public Surroundings Around(TextWriter? output = null, TextWriter? error = null) => new()
    {
        Out = output ?? TextWriter.Null,
        Error = error ?? TextWriter.Null,
        Input = () => Input,
        Output = () => new Kept(Bytes),
        RawInput = RawInput,
        Variable = name => Environment.GetValueOrDefault(name),
        ConfigurationFile = ConfigurationFile,
        Interactive = Interactive,
        Time = Time,
    };

    /// <summary>A stream that outlives its disposal.</summary>
    sealed class Kept(MemoryStream to) : Stream
    {
        public override bool CanRead => false;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => throw new NotSupportedException();
        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Write(byte[] buffer, int offset, int count)
        {
            lock (to) to.Write(buffer, offset, count);
        }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
    }

    public void Dispose() => Directory.Delete(home, recursive: true);
}

internal sealed record Outcome(int Code, string Out, string Error);
