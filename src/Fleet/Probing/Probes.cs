using System.ComponentModel;
using System.Diagnostics;
using System.Threading.Channels;
using Monolith.Fleet.Figures;
using Monolith.Fleet.Load;

namespace Monolith.Fleet.Probing;

/// <summary>
/// The run's side of the prober: a process of its own, since in this one a call waits for ten thousand nodes' turns and
/// for the collector of their memory, which no client of a cloud does.
/// </summary>
internal sealed class Probes : IAsyncDisposable
{
    const string Who = "The prober, monolith-fleet probe,";
    const int LastWords = 20;
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    // An end waits for calls under way, each at most that long.
    static readonly TimeSpan RoundPatience = Prober.Deadline + TimeSpan.FromSeconds(20);
    readonly Channel<string> lines = Channel.CreateUnbounded<string>(new UnboundedChannelOptions { SingleReader = true });
    readonly CancellationTokenSource gone = new();
    readonly Alive names;
    readonly Process process;
    readonly Task writing;
    readonly Task<string> dying;

    Probes(Process process, Alive names)
    {
        (this.process, this.names) = (process, names);
        (writing, dying) = (WriteAsync(), DieAsync());
    }

    public int Pid => process.Id;

    /// <param name="command">Default: this program's own.</param>
    /// <exception cref="InvalidOperationException">It cannot be started, or ended before it was ready.</exception>
    /// <exception cref="TimeoutException">It is not ready after a minute.</exception>
    public static async Task<Probes> StartAsync(
        ProbeOrder order, Alive names, CancellationToken cancel, IReadOnlyList<string>? command = null)
    {
        var probes = new Probes(Start(command ?? CommandOf(Environment.ProcessPath, AppContext.BaseDirectory)), names);
        probes.Tell(ProbeLines.Write(order));
        names.Follow(probes.Tell);
        try
        {
            await probes.HearAsync(Patience, cancel);
            return probes;
        }
        catch
        {
            await probes.DisposeAsync();
            throw;
        }
    }

    /// <param name="running">The program that this is: dotnet, where the assembly was started with it.</param>
    /// <param name="directory">Where the assembly is, and its own program.</param>
    public static IReadOnlyList<string> CommandOf(string? running, string directory)
    {
        var program = Path.Combine(directory, "monolith-fleet");
        return Path.GetFileNameWithoutExtension(running) == "dotnet"
            ? [running!, program + ".dll", Prober.Command]
            : [program, Prober.Command];
    }

    /// <param name="asking">False: nobody asks until the next one; the watches stay open.</param>
    public void Begin(bool asking) => Tell(asking ? ProbeLines.Ask : ProbeLines.Rest);

    /// <summary>Does what it asks beside. Should it end meanwhile, that is cancelled.</summary>
    /// <exception cref="InvalidOperationException">It ended: its exit code, and the last that it said.</exception>
    public async Task BesideAsync(Func<CancellationToken, Task> act, CancellationToken cancel)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, gone.Token);
        try
        {
            await act(either.Token);
        }
        catch (Exception e) when (gone.IsCancellationRequested && !cancel.IsCancellationRequested)
        {
            throw new InvalidOperationException(await dying, e);
        }
    }

    /// <exception cref="InvalidOperationException">As of <see cref="BesideAsync"/>.</exception>
    /// <exception cref="TimeoutException">It does not say what it found.</exception>
    public async Task EndAsync(string step, Board board, CancellationToken cancel)
    {
        Tell(ProbeLines.End);
        var answers = ProbeLines.Read<ProbeAnswers>(await HearAsync(RoundPatience, cancel));
        board.Add(step + ".get", Samples.Of(answers.Gets));
        board.Add(step + ".list", Samples.Of(answers.Lists));
        board.Add(step + ".watch", Samples.Of(answers.Watches));
        if (answers.Gets.Count + answers.Lists.Count + answers.Refused > 0)
            board.Add(step + ".probes_refused", answers.Refused);
    }

    void Tell(string line) => lines.Writer.TryWrite(line);

    async Task<string> HearAsync(TimeSpan patience, CancellationToken cancel)
    {
        try
        {
            return await process.StandardOutput.ReadLineAsync(cancel).AsTask().WaitAsync(patience, cancel)
                ?? throw new InvalidOperationException(await dying.WaitAsync(patience, cancel));
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{Who} has said nothing for {patience.TotalSeconds:0} s.", e);
        }
    }

    async Task WriteAsync()
    {
        try
        {
            await foreach (var line in lines.Reader.ReadAllAsync()) await process.StandardInput.WriteLineAsync(line);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It is no longer there; who listens to it learns that.
        }
    }

    // Done when it has ended: how, and the last that it said.
    async Task<string> DieAsync()
    {
        var last = new Queue<string>();
        while (await process.StandardError.ReadLineAsync() is { } line)
        {
            last.Enqueue(line);
            if (last.Count > LastWords) last.Dequeue();
        }
        await process.WaitForExitAsync();
        await gone.CancelAsync();
        return string.Join('\n', [$"{Who} ended with exit code {process.ExitCode}.", .. last]);
    }

    static Process Start(IReadOnlyList<string> command)
    {
        try
        {
            return Process.Start(new ProcessStartInfo(command[0], command.Skip(1))
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
        }
        catch (Win32Exception e)
        {
            throw new InvalidOperationException($"{Who} does not start: {e.Message}", e);
        }
    }

    // It has nothing to finish, and whatever it hangs in ends with it.
    public async ValueTask DisposeAsync()
    {
        names.Follow(null);
        lines.Writer.TryComplete();
        process.Kill();
        await Task.WhenAll(writing, dying);
        process.Dispose();
        gone.Dispose();
    }
}
