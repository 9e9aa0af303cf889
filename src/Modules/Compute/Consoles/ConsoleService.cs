using Grpc.Core;
using Monolith.Agent.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;

namespace Monolith.Compute.Consoles;

/// <summary>The agents' end of console sessions (agent/v1/console.proto).</summary>
internal sealed class ConsoleService(ConsoleSessions sessions, ConsoleOptions options, TimeProvider time)
    : Agent.V1.ConsoleService.ConsoleServiceBase
{
    public override async Task CarrySession(IAsyncStreamReader<CarrySessionRequest> requests,
        IServerStreamWriter<CarrySessionResponse> responses, ServerCallContext context)
    {
        var node = context.GetCall().Caller.Node
            ?? throw Fault.Unauthenticated("NOT_A_NODE", "Only an agent with a node's certificate may carry sessions.");
        using var late = new CancellationTokenSource(options.FirstWord, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, late.Token);
        try
        {
            if (!await requests.MoveNext(either.Token)
                || requests.Current.KindCase != CarrySessionRequest.KindOneofCase.Session)
                throw Fault.Invalid("session", "is required: the first message says which session is carried");
        }
        catch (OperationCanceledException) when (!context.CancellationToken.IsCancellationRequested)
        {
            throw Fault.Invalid("session", $"is required within {options.FirstWord.TotalSeconds:0} s");
        }
        var session = sessions.Take(node, requests.Current.Session)
            ?? throw Fault.NotFound("sessions/" + requests.Current.Session);
        await session.CarryAsync(requests, responses, context.CancellationToken);
    }
}
