using CsCheck;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Monolith.Cli.Output;
using Monolith.Cli.Session;
using Monolith.Cli.Tests.Fake;
using Status = Google.Rpc.Status;

namespace Monolith.Cli.Tests;

public sealed class FailureTests
{
    static readonly Settings Called = new() { Endpoint = new("http://127.0.0.1:5080") };

    static RpcException Rich(StatusCode code, params IMessage[] details) => new Status
    {
        Code = (int)code,
        Message = "It cannot be.",
        Details = { details.Select(Any.Pack) },
    }.ToRpcException();

    static string Text(RpcException error) => string.Join('\n', Failure.Describe(error, Called, Ink.None));

    [Fact]
    public void InvalidArgument_ShowsEveryViolationOnALine()
    {
        var text = Text(Rich(StatusCode.InvalidArgument,
            new ErrorInfo { Reason = "INVALID_FIELDS", Domain = "compute.monolith", Metadata = { ["count"] = "2" } },
            new BadRequest
            {
                FieldViolations =
                {
                    new BadRequest.Types.FieldViolation { Field = "server.flavor", Description = "does not exist" },
                    new BadRequest.Types.FieldViolation { Field = "server.image", Description = "is required" },
                },
            }));
        Assert.Equal("""
            error: INVALID_ARGUMENT: It cannot be.
              server.flavor: does not exist
              server.image: is required
              reason: INVALID_FIELDS (compute.monolith)
                count: 2
            """, text);
    }

    [Fact]
    public void Violations_AreSaidOnce_ByTheOptionThatSetsThem_WithWhatToDo()
    {
        using var shell = new Shell();
        var command = new App(shell.Around()).Root.Parse("server create web1 --flavor a --image b").CommandResult.Command;
        var error = new Status
        {
            Code = (int)StatusCode.InvalidArgument,
            Message = "server.flavor: flavors/a does not exist; server.image: projects/demo/images/b does not exist",
            Details =
            {
                Any.Pack(new BadRequest
                {
                    FieldViolations =
                    {
                        Violation("server.flavor", "flavors/a does not exist"),
                        Violation("server.image", "projects/demo/images/b does not exist"),
                        Violation("server.networks.network", "projects/demo/networks/x does not exist"),
                        Violation("server.bogus", "projects/demo/unknown/x does not exist"),
                    },
                }),
                Any.Pack(new ErrorInfo
                {
                    Reason = "INVALID_REQUEST", Domain = "monolith", Metadata = { ["trace_id"] = "0123" },
                }),
            },
        };
        error.Message += "; projects/demo/networks/x does not exist; projects/demo/unknown/x does not exist";
        Assert.Equal("""
            error: INVALID_ARGUMENT: 4 fields are wrong
              --flavor: flavors/a does not exist
              --image: projects/demo/images/b does not exist
              --network: projects/demo/networks/x does not exist
              server.bogus: projects/demo/unknown/x does not exist
              reason: INVALID_REQUEST (monolith)
            hint: `monolith flavor list` and `monolith image list` and `monolith network list` show what there is.
            """, string.Join('\n', Failure.Describe(error.ToRpcException(), Called, Ink.None, command)));
        Assert.Contains("trace_id: 0123", string.Join('\n',
            Failure.Describe(error.ToRpcException(), Called with { Verbose = true }, Ink.None, command)),
            StringComparison.Ordinal);
    }

    static BadRequest.Types.FieldViolation Violation(string field, string description) =>
        new() { Field = field, Description = description };

    [Fact]
    public void NotFound_SaysWhichListShowsWhatThereIs() =>
        Assert.Contains("hint: `monolith server list` shows", Text(Rich(StatusCode.NotFound, new ErrorInfo
        {
            Reason = "RESOURCE_NOT_FOUND", Metadata = { ["resource"] = "projects/demo/servers/web9" },
        })), StringComparison.Ordinal);

    [Fact]
    public void FailedPrecondition_ShowsWhatIsInTheWay()
    {
        var text = Text(Rich(StatusCode.FailedPrecondition, new PreconditionFailure
        {
            Violations =
            {
                new PreconditionFailure.Types.Violation
                {
                    Subject = "projects/demo",
                    Type = "NOT_EMPTY",
                    Description = "owns 2 servers",
                },
            },
        }));
        Assert.Contains("  projects/demo: owns 2 servers (NOT_EMPTY)", text, StringComparison.Ordinal);
    }

    [Fact]
    public void ResourceExhausted_SaysWhenToTryAgain()
    {
        var text = Text(Rich(StatusCode.ResourceExhausted,
            new RetryInfo { RetryDelay = Duration.FromTimeSpan(TimeSpan.FromSeconds(1.5)) },
            new QuotaFailure
            {
                Violations = { new QuotaFailure.Types.Violation { Subject = "vcpus", Description = "10 of 10 used" } },
            }));
        Assert.Contains("try again in 1.5 s", text, StringComparison.Ordinal);
        Assert.Contains("vcpus: 10 of 10 used", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(StatusCode.Unavailable, "Is the host up at http://127.0.0.1:5080?")]
    [InlineData(StatusCode.Unauthenticated, "monolith token create")]
    [InlineData(StatusCode.PermissionDenied, "monolith token whoami")]
    [InlineData(StatusCode.AlreadyExists, "--exist-ok")]
    public void Codes_HaveAHint(StatusCode code, string hint) =>
        Assert.Contains(hint, Text(new RpcException(new Grpc.Core.Status(code, "x"))), StringComparison.Ordinal);

    [Fact]
    public void DetailsOfAnyBytes_AreDescribedOrLeftOut() =>
        Gen.Select(Gen.Byte.Array[0, 200], Gen.Enum<StatusCode>()).Sample((bytes, code) =>
        {
            var error = new RpcException(
                new Grpc.Core.Status(code, "x"), new Metadata { { "grpc-status-details-bin", bytes } });
            Assert.StartsWith("error: ", Text(error), StringComparison.Ordinal);
        });

    [Fact]
    public void DetailsThatLie_AreLeftOut()
    {
        var liar = Any.Pack(new ErrorInfo());
        liar.Value = ByteString.CopyFrom(0xff, 0xff, 0xff);
        var error = new Status { Code = 3, Message = "It cannot be.", Details = { liar } }.ToRpcException();
        Assert.Equal("error: INVALID_ARGUMENT: It cannot be.", Text(error));
    }

    [Fact]
    public async Task ACommandThatIsRefused_ShowsTheDetailsThatTravelled()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        cloud.Servers.Refusal = Rich(StatusCode.InvalidArgument, new BadRequest
        {
            FieldViolations =
            {
                new BadRequest.Types.FieldViolation { Field = "server_id", Description = "begins with a digit" },
            },
        });
        var outcome = await shell.RunAsync(
            "server", "create", "1web", "--flavor", "small", "--image", "x/y", "-p", "demo");
        Assert.Equal(ExitCode.Refused, outcome.Code);
        Assert.Contains("NAME: begins with a digit", outcome.Error, StringComparison.Ordinal);
        Assert.Empty(outcome.Out);
    }

    [Fact]
    public async Task NoHost_IsSaidWithTheEndpoint()
    {
        using var shell = new Shell();
        // Port 1 of loopback refuses connections.
        var outcome = await shell.RunAsync("flavor", "list", "--endpoint", "127.0.0.1:1");
        Assert.Equal(ExitCode.TryLater, outcome.Code);
        Assert.Contains("Is the host up at http://127.0.0.1:1?", outcome.Error, StringComparison.Ordinal);
    }
}
