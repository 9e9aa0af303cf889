using System.Diagnostics;
using System.Globalization;

namespace Monolith.Agent.Tests.Fuzz;

/// <summary>
/// Whatever a guest, a tenant's image, QEMU, BIRD, HAProxy, a disk or the host sends: a parser throws nothing but the
/// error that it declares, comes to an end, and takes memory in proportion to its input.
/// <para>
/// FUZZ_SECONDS says for how long, shared by all parsers; without it there are some thousand inputs for each. FUZZ_SEED
/// repeats a run, which ends at the same input.
/// </para>
/// </summary>
[Trait("Kind", "fuzz")]
public sealed class HostileInputTests(ITestOutputHelper output)
{
    private const int InputsWithoutATime = 3000;
    private static readonly TimeSpan Loops = TimeSpan.FromSeconds(20);

    public static TheoryData<string> Names => [.. HostileInputs.All.Select(i => i.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Parser_ThrowsNothingElse_Ends_AndIsBounded(string name)
    {
        var input = HostileInputs.All.Single(i => i.Name == name);
        var seed = Number("FUZZ_SEED") ?? Random.Shared.Next();
        var seconds = (double?)Number("FUZZ_SECONDS") / HostileInputs.All.Count;
        var run = new Run(input, seed, seconds is { } s ? TimeSpan.FromSeconds(s) : null);
        output.WriteLine($"{name}: FUZZ_SEED={seed}");
        var ended = run.StartAsync();
        using var look = new PeriodicTimer(TimeSpan.FromSeconds(1));
        while (!ended.IsCompleted)
        {
            await Task.WhenAny(ended, look.WaitForNextTickAsync().AsTask());
            if (run.Stuck(Loops) is { } stuck) Assert.Fail(Words(name, seed, run.Inputs, "it does not end", stuck));
        }

        await ended;
        if (run.Failure is { } failure) Assert.Fail(Words(name, seed, run.Inputs, failure.Words, failure.Input));
        output.WriteLine($"{name}: {run.Inputs} inputs, {run.Taken} of them taken for good");
        Assert.True(run.Inputs > 0);
    }

    private static int? Number(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var number)
            ? number
            : null;

    private static string Words(string name, int seed, long at, string what, byte[] input) =>
        $"{name}: {what}\nFUZZ_SEED={seed}, input {at}, {input.Length} bytes: {Convert.ToHexStringLower(input)}";

    /// <summary>One parser on a thread of its own, which a parser that does not end never gives back.</summary>
    private sealed class Run(HostileInput input, int seed, TimeSpan? time)
    {
        private readonly Lock gate = new();
        private byte[] current = [];
        private long since = Stopwatch.GetTimestamp();

        public long Inputs { get; private set; }

        public long Taken { get; private set; }

        public (string Words, byte[] Input)? Failure { get; private set; }

        public Task StartAsync()
        {
            var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            new Thread(() =>
            {
                Loop();
                ended.SetResult();
            })
            { IsBackground = true, Name = "fuzz " + input.Name }.Start();
            return ended.Task;
        }

        public byte[]? Stuck(TimeSpan limit)
        {
            lock (gate) return Stopwatch.GetElapsedTime(since) > limit ? current : null;
        }

        private void Loop()
        {
            var random = new Random(seed);
            var began = Stopwatch.GetTimestamp();
            bool More() => time is { } limit ? Stopwatch.GetElapsedTime(began) < limit : Inputs < InputsWithoutATime;
            while (More())
            {
                var bytes = Mutation.Next(random, input.Good);
                lock (gate) (current, since) = (bytes, Stopwatch.GetTimestamp());
                Inputs++;
                if (Try(bytes) is not { } words) continue;
                var shortest = Mutation.Shrink(bytes, b => Try(b) is not null);
                Failure = (Try(shortest) ?? words, shortest);
                return;
            }
        }

        /// <returns>What is wrong; null when nothing is.</returns>
        private string? Try(byte[] bytes)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                if (input.Parse(bytes)) Taken++;
            }
            catch (Exception e) when (input.Declared(e))
            {
                // As it says.
            }
            catch (Exception e)
            {
                return e.ToString();
            }

            var taken = GC.GetAllocatedBytesForCurrentThread() - before;
            var limit = input.FixedBytes + ((long)input.BytesForEach * bytes.Length);
            return taken > limit
                ? $"{taken} bytes were allocated for {bytes.Length} bytes of input, {limit} are allowed"
                : null;
        }
    }
}
