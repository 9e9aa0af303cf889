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
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    // An end waits for calls under way, each at most that long.
    static readonly TimeSpan RoundPatience = Prober.Deadline + TimeSpan.FromSeconds(20);
    readonly Channel<string> lines = Channel.CreateUnbounded<string>(new UnboundedChannelOptions { SingleReader = true });
    readonly Alive names;
    readonly Process process;
    readonly Task writing;

    Probes(Alive names)
    {
        this.names = names;
        process = Process.Start(StartInfo())!;
        writing = WriteAsync();
    }

    public int Pid => process.Id;

    /// <exception cref="InvalidOperationException">It ended before it was ready.</exception>
    /// <exception cref="TimeoutException">It is not ready after a minute.</exception>
    public static async Task<Probes> StartAsync(ProbeOrder order, Alive names, CancellationToken cancel)
    {
        var probes = new Probes(names);
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

    /// <param name="asking">False: nobody asks until the next one; the watches stay open.</param>
    public void Begin(bool asking) => Tell(asking ? ProbeLines.Ask : ProbeLines.Rest);

    /// <exception cref="InvalidOperationException">The prober ended by itself.</exception>
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

    async Task<string> HearAsync(TimeSpan patience, CancellationToken cancel) =>
        await process.StandardOutput.ReadLineAsync(cancel).AsTask().WaitAsync(patience, cancel)
        ?? throw new InvalidOperationException("The prober, monolith-fleet probe, ended by itself; stderr says why.");

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

    static ProcessStartInfo StartInfo()
    {
        var program = Path.Combine(AppContext.BaseDirectory, "monolith-fleet");
        string[] command = File.Exists(program) ? [program] : ["dotnet", program + ".dll"];
        var start = new ProcessStartInfo(command[0]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach (var word in (string[])[.. command[1..], Prober.Command]) start.ArgumentList.Add(word);
        return start;
    }

    public async ValueTask DisposeAsync()
    {
        names.Follow(null);
        lines.Writer.TryComplete();
        await writing;
        try
        {
            await process.WaitForExitAsync().WaitAsync(RoundPatience);
        }
        catch (TimeoutException)
        {
            process.Kill();
        }
        process.Dispose();
    }
}
