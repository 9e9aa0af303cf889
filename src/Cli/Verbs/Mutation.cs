using System.CommandLine;
using Google.Protobuf;
using Monolith.Cli.Api;
using Monolith.Cli.Session;

namespace Monolith.Cli.Verbs;

/// <summary>Options of the commands that change something.</summary>
internal static class Mutation
{
    public static readonly Option<string?> RequestId = new("--request-id")
    {
        Description = "A UUID: the same id and content again is the same request. Default: a new one.",
        HelpName = "UUID",
    };

    public static readonly Option<bool> ValidateOnly = new("--validate-only")
    {
        Description = "Check everything and change nothing.",
    };

    public static readonly Option<bool> Wait = new("--wait", "-w")
    {
        Description = "Stay until it is there, and show the steps.",
    };

    public static readonly Option<bool> NoWait = new("--no-wait")
    {
        Description = "Return as soon as the request is accepted. The default.",
    };

    public static readonly Option<bool> ExistOk = new("--exist-ok")
    {
        Description = "Take the resource that is there when one of that name exists.",
    };

    public static void AddTo(Command command, bool waits)
    {
        command.Options.Add(RequestId);
        command.Options.Add(ValidateOnly);
        if (!waits)
            return;
        command.Options.Add(Wait);
        command.Options.Add(NoWait);
        command.Validators.Add(result =>
        {
            if (result.GetValue(Wait) && result.GetValue(NoWait))
                result.AddError("--wait and --no-wait exclude each other.");
        });
    }

    /// <summary>Copies the options into a request.</summary>
    public static void Apply(Run run, IMessage request)
    {
        if (run.Line.GetValue(RequestId) is { Length: > 0 } id)
            Messages.Set(request, "request_id", Guid.TryParse(id, out _)
                ? id
                : throw new UsageException($"--request-id wants a UUID, not '{id}'."));
        if (!run.Line.GetValue(ValidateOnly))
            return;
        if (!Messages.Has(request, "validate_only"))
            throw new UsageException($"{request.Descriptor.Name} cannot be validated only.");
        Messages.Set(request, "validate_only", true);
    }

    public static bool Waits(Run run) => run.Line.GetValue(Wait) && !run.Line.GetValue(ValidateOnly);
}
