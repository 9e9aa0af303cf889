using System.Buffers.Binary;
using System.CommandLine;
using Monolith.Cli.Consoles;
using Monolith.Cli.Output;
using Monolith.Cli.Session;
using Monolith.Cli.Verbs;
using Monolith.Compute.V1;

namespace Monolith.Cli.Nouns;

/// <summary>A server's console, its log and its screen.</summary>
internal static class ConsoleCommands
{
    public static IEnumerable<Command> Commands(Noun noun, App app) => [Console(noun, app), Log(noun, app), Screenshot(noun, app)];

    static Command Console(Noun noun, App app)
    {
        var command = new Command("console",
            "Sit at a server's serial console. Ctrl-] leaves; without a terminal, the end of the input does.");
        var name = NounCommand.Name(noun, app);
        var lines = Lines("Lines of what it said before that come first. Default: 50.");
        command.Arguments.Add(name);
        command.Options.Add(lines);
        return app.Does(command, async run => await Attachment.RunAsync(
            run, await run.ExpandAsync(noun, run.Line.GetValue(name)!), Count(run, lines)));
    }

    static Command Log(Noun noun, App app)
    {
        var command = new Command("log", "Show what a server wrote to its serial console.");
        var name = NounCommand.Name(noun, app);
        var lines = Lines("Only the last so many lines.");
        var follow = new Option<bool>("--follow", "-f")
        {
            Description = "Go on with what it writes, until interrupted or for --timeout.",
        };
        command.Arguments.Add(name);
        command.Options.Add(follow);
        command.Options.Add(lines);
        return app.Does(command, async run =>
        {
            var request = new ReadConsoleLogRequest
            {
                Name = await run.ExpandAsync(noun, run.Line.GetValue(name)!),
                Follow = run.Line.GetValue(follow),
            };
            if (Count(run, lines) is { } count) request.TailLines = count;
            var method = ServerConsoleService.Descriptor.FindMethodByName("ReadConsoleLog");
            return await Watch.ForAsync(run, async cancel =>
            {
                await using var output = run.Around.Output();
                await foreach (var message in run.Calls.StreamAsync(method, request, cancel))
                {
                    await output.WriteAsync(((ReadConsoleLogResponse)message).Data.Memory, cancel);
                    await output.FlushAsync(cancel);
                }
            });
        });
    }

    static Command Screenshot(Noun noun, App app)
    {
        var command = new Command("screenshot", "Save a picture of a server's screen, as PNG.");
        var name = NounCommand.Name(noun, app);
        var file = new Argument<string>("FILE") { Description = "Where to put it; - for standard output." };
        command.Arguments.Add(name);
        command.Arguments.Add(file);
        return app.Does(command, async run =>
        {
            var request = new TakeScreenshotRequest { Name = await run.ExpandAsync(noun, run.Line.GetValue(name)!) };
            var png = (await run.Calls.UnaryAsync<TakeScreenshotResponse>(
                ServerConsoleService.Descriptor.FindMethodByName("TakeScreenshot"), request, run.Cancel)).Png.Memory;
            var path = run.Line.GetValue(file)!;
            if (path == "-")
            {
                await using var output = run.Around.Output();
                await output.WriteAsync(png, run.Cancel);
                return ExitCode.Done;
            }
            await WriteAsync(path, png, run.Cancel);
            if (run.Settings.Output is OutputFormat.Table or OutputFormat.Name)
                run.Around.Out.WriteLine(run.Settings.Output == OutputFormat.Name ? path : $"{path}{SizeOf(png.Span)}");
            return ExitCode.Done;
        });
    }

    /// <summary>The file is whole, or as it was.</summary>
    static async Task WriteAsync(string path, ReadOnlyMemory<byte> png, CancellationToken cancel)
    {
        try
        {
            await File.WriteAllBytesAsync(path + ".part", png, cancel);
            File.Move(path + ".part", path, overwrite: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{path} cannot be written: {error.Message}");
        }
    }

    // IHDR is the first chunk (RFC 2083, 4.1.1): width and height, after signature, length and type.
    static string SizeOf(ReadOnlySpan<byte> png) => png.Length < 24 ? ""
        : $", {BinaryPrimitives.ReadUInt32BigEndian(png[16..])} x {BinaryPrimitives.ReadUInt32BigEndian(png[20..])}";

    static Option<int?> Lines(string about) => new("--lines", "-n") { Description = about, HelpName = "N" };

    static int? Count(Run run, Option<int?> option) => run.Line.GetValue(option) is not { } count || count >= 0
        ? run.Line.GetValue(option)
        : throw new UsageException("--lines is less than 0.", "Say how many lines, 0 for none.");
}
