using System.Threading.Channels;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using Monolith.Agent.V1;
using Monolith.Compute.Consoles;
using Monolith.Compute.Vms;
using Monolith.Modules.Tests.Calls;
using Monolith.Platform.Calls;
using ConsoleService = Monolith.Compute.Consoles.ConsoleService;

namespace Monolith.Modules.Tests.Compute;

/// <summary>Viewer and agent meet in a session, or each is told why not.</summary>
public sealed class ConsoleSessionTests
{
    static readonly ConsoleOptions Options = new() { PerVm = 2, PerNode = 6 };
    readonly FakeTimeProvider time = new();
    readonly VmStreams streams;
    readonly ConsoleSessions sessions;
    readonly ConsoleService service;
    readonly TestStream<SyncVmsResponse> asked = new();

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    public ConsoleSessionTests()
    {
        // What nodes should hold is nothing that a session asks for.
        streams = new VmStreams(null!, time);
        sessions = new ConsoleSessions(streams, time, Options);
        service = new ConsoleService(sessions, Options, time);
    }

    static VmRow Vm(string node = "hv1") => new()
    {
        ServerUid = Guid.NewGuid(),
        ServerName = "projects/p/servers/s",
        Hypervisor = node,
        ImageSha256 = "0",
        Plan = [],
    };

    [Fact]
    public async Task OnlyTheNodeThatWasAsked_CarriesASession_AndOnce()
    {
        using var stream = streams.Open("hv1", asked);
        var vm = Vm();
        var opening = sessions.OpenAsync(vm, new() { Kind = OpenSession.Types.Kind.Console, TailLines = 7 }, Stop);
        var open = (await asked.NextAsync()).OpenSession;
        Assert.Equal((vm.Uid.ToString(), 7), (open.Vm, open.TailLines));
        // 256 bits.
        Assert.Matches("^[0-9a-f]{64}$", open.Session);

        await Expect.FaultAsync(StatusCode.NotFound, "RESOURCE_NOT_FOUND", () => new Dialled(service, "hv2", open.Session).Call);
        await Expect.FaultAsync(StatusCode.NotFound, "RESOURCE_NOT_FOUND", () => new Dialled(service, "hv1", "guess").Call);
        Assert.False(opening.IsCompleted);
        var carried = new Dialled(service, "hv1", open.Session);
        await using (var session = await opening)
        {
            await Expect.FaultAsync(StatusCode.NotFound, "RESOURCE_NOT_FOUND",
                () => new Dialled(service, "hv1", open.Session).Call);
            carried.Say("hello");
            Assert.Equal("hello", (await session.NextAsync(Stop))?.ToStringUtf8());
            await session.TypeAsync(ByteString.CopyFromUtf8("ls\r"), Stop);
            Assert.Equal("ls\r", (await carried.Typed.NextAsync()).Data.ToStringUtf8());
            carried.End(SessionEnd.Types.Cause.Done);
            Assert.Null(await session.NextAsync(Stop));
        }
        // The agent's call ends with the viewer's.
        await carried.Call;
        await Expect.FaultAsync(StatusCode.NotFound, "RESOURCE_NOT_FOUND", () => new Dialled(service, "hv1", open.Session).Call);
    }

    [Fact]
    public async Task AHypervisorThatIsNotConnected_OrDoesNotDialBack_IsTheCause()
    {
        await Expect.FaultAsync(StatusCode.Unavailable, "HYPERVISOR_DOWN", () => sessions.OpenAsync(Vm(), new(), Stop));
        using (streams.Open("hv1", asked))
        {
            var opening = sessions.OpenAsync(Vm(), new(), Stop);
            var late = (await asked.NextAsync()).OpenSession.Session;
            time.Advance(Options.DialBack);
            var fault = await Expect.FaultAsync(StatusCode.Unavailable, "CONSOLE_NOT_REACHED", () => opening);
            Assert.Contains("within 10 s", fault.Message, StringComparison.Ordinal);
            // Who comes late finds nothing.
            await Expect.FaultAsync(StatusCode.NotFound, "RESOURCE_NOT_FOUND", () => new Dialled(service, "hv1", late).Call);
        }
        await Expect.FaultAsync(StatusCode.Unavailable, "HYPERVISOR_DOWN", () => sessions.OpenAsync(Vm(), new(), Stop));
    }

    [Fact]
    public async Task ANewerStream_IsTheOneThatIsAsked_AndTheOldersEndTakesNothingAway()
    {
        var newest = new TestStream<SyncVmsResponse>();
        var older = streams.Open("hv1", asked);
        using var newer = streams.Open("hv1", newest);
        older.Dispose();
        var opening = sessions.OpenAsync(Vm(), new(), Stop);
        _ = new Dialled(service, "hv1", (await newest.NextAsync()).OpenSession.Session);
        await (await opening).DisposeAsync();
        Assert.True(asked.IsEmpty);
    }

    [Theory]
    [InlineData(SessionEnd.Types.Cause.NotRunning, StatusCode.FailedPrecondition, "SERVER_NOT_RUNNING")]
    [InlineData(SessionEnd.Types.Cause.NoDevice, StatusCode.FailedPrecondition, "NO_CONSOLE_DEVICE")]
    [InlineData(SessionEnd.Types.Cause.NotHere, StatusCode.Unavailable, "CONSOLE_LOST")]
    [InlineData(SessionEnd.Types.Cause.Failed, StatusCode.Unavailable, "CONSOLE_FAILED")]
    [InlineData((SessionEnd.Types.Cause)99, StatusCode.Unavailable, "CONSOLE_FAILED")]
    public async Task WhatTheAgentSaysLast_IsToldWithWhatToDo(SessionEnd.Types.Cause cause, StatusCode code, string reason)
    {
        var (session, agent) = await CarriedAsync();
        agent.End(cause);
        var fault = await Expect.FaultAsync(code, reason, () => session.NextAsync(Stop));
        Assert.Contains("projects/p/servers/s", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnAgentThatGoesAway_OrTalksNonsense_LosesTheSession()
    {
        var (gone, agent) = await CarriedAsync();
        var waiting = gone.NextAsync(Stop);
        agent.Break(new IOException("reset"));
        await Expect.FaultAsync(StatusCode.Unavailable, "CONSOLE_LOST", () => waiting);

        var (silent, other) = await CarriedAsync();
        other.Break(null);
        await Expect.FaultAsync(StatusCode.Unavailable, "CONSOLE_LOST", () => silent.NextAsync(Stop));

        foreach (var nonsense in new CarrySessionRequest[]
        {
            new(), new() { Session = "again" }, new() { Data = ByteString.CopyFrom(new byte[ConsoleSession.ChunkBytes + 1]) },
        })
        {
            var (session, liar) = await CarriedAsync();
            liar.Say(nonsense);
            await Expect.FaultAsync(StatusCode.Unavailable, "CONSOLE_LOST", () => session.NextAsync(Stop));
        }
    }

    /// <summary>A host that ended the call itself would reset a stream that is being sent on.</summary>
    [Fact]
    public async Task WhenTheViewerLeaves_TheAgentIsToldToEndItsCall_AndNotWaitedForForEver()
    {
        var (session, agent) = await CarriedAsync();
        await session.DisposeAsync();
        Assert.True((await agent.Typed.NextAsync()).Close);
        agent.Say("what was on its way");
        Assert.False(agent.Call.IsCompleted);
        agent.Break(null);
        await agent.Call;

        var (other, deaf) = await CarriedAsync();
        await other.DisposeAsync();
        Assert.True((await deaf.Typed.NextAsync()).Close);
        time.Advance(Options.Farewell);
        await deaf.Call;
    }

    [Fact]
    public async Task WhereNothingIsSaid_TheSessionEnds_AndWhatIsSaidBeginsItsTimeAnew()
    {
        var (session, agent) = await CarriedAsync();
        var next = session.NextAsync(Stop);
        time.Advance(Options.Idle - TimeSpan.FromSeconds(1));
        Assert.False(next.IsCompleted);
        agent.Say("still here");
        await next;
        next = session.NextAsync(Stop);
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.False(next.IsCompleted);
        time.Advance(Options.Idle);
        await Expect.FaultAsync(StatusCode.Unavailable, "SESSION_IDLE", () => next);
    }

    [Fact]
    public async Task ServersAndHypervisors_HaveSoManySessions_AndAClosedOneMakesRoom()
    {
        using var stream = streams.Open("hv1", asked);
        var vm = Vm();
        var first = await OpenAsync(vm);
        await OpenAsync(vm);
        await Expect.FaultAsync(StatusCode.ResourceExhausted, "TOO_MANY_SESSIONS", () => sessions.OpenAsync(vm, new(), Stop));
        for (var i = 2; i < Options.PerNode; i++) await OpenAsync(Vm());
        await Expect.FaultAsync(StatusCode.ResourceExhausted, "TOO_MANY_SESSIONS", () => sessions.OpenAsync(Vm(), new(), Stop));
        await first.DisposeAsync();
        await OpenAsync(vm);
    }

    [Fact]
    public async Task AnAgentThatDoesNotSayWhichSession_IsRefused()
    {
        var mute = new Dialled(service, "hv1", null);
        time.Advance(Options.FirstWord);
        await Expect.FaultAsync(StatusCode.InvalidArgument, "INVALID_REQUEST", () => mute.Call);
        var wrong = new Dialled(service, "hv1", null);
        wrong.Say("no session");
        await Expect.FaultAsync(StatusCode.InvalidArgument, "INVALID_REQUEST", () => wrong.Call);
    }

    async Task<ConsoleSession> OpenAsync(VmRow vm)
    {
        var opening = sessions.OpenAsync(vm, new(), Stop);
        _ = new Dialled(service, vm.Hypervisor, (await asked.NextAsync()).OpenSession.Session);
        return await opening;
    }

    async Task<(ConsoleSession Session, Dialled Agent)> CarriedAsync()
    {
        var stream = streams.Open("hv1", asked);
        var opening = sessions.OpenAsync(Vm(), new(), Stop);
        var agent = new Dialled(service, "hv1", (await asked.NextAsync()).OpenSession.Session);
        stream.Dispose();
        return (await opening, agent);
    }

    /// <summary>An agent's call.</summary>
    sealed class Dialled
    {
        readonly Channel<CarrySessionRequest> up = Channel.CreateUnbounded<CarrySessionRequest>();

        public Dialled(ConsoleService service, string node, string? session)
        {
            if (session is not null) Say(new CarrySessionRequest { Session = session });
            Call = service.CarrySession(new Reader(up.Reader), Typed, FakeCall.By(new Caller("nodes/" + node, [])));
        }

        public Task Call { get; }

        public TestStream<CarrySessionResponse> Typed { get; } = new();

        public void Say(string text) => Say(new CarrySessionRequest { Data = ByteString.CopyFromUtf8(text) });

        public void Say(CarrySessionRequest message) => up.Writer.TryWrite(message);

        public void End(SessionEnd.Types.Cause cause)
        {
            Say(new CarrySessionRequest { End = new() { Cause = cause, Message = "because." } });
            up.Writer.TryComplete();
        }

        public void Break(Exception? cause) => up.Writer.TryComplete(cause);
    }

    sealed class Reader(ChannelReader<CarrySessionRequest> from) : IAsyncStreamReader<CarrySessionRequest>
    {
        public CarrySessionRequest Current { get; private set; } = new();

        public async Task<bool> MoveNext(CancellationToken cancellationToken)
        {
            if (!await from.WaitToReadAsync(cancellationToken)) return false;
            Current = await from.ReadAsync(cancellationToken);
            return true;
        }
    }
}
