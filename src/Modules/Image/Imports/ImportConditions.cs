using Google.Protobuf.WellKnownTypes;
using Monolith.Api.V1;
using ImageMessage = Monolith.Image.V1.Image;
using Status = Monolith.Api.V1.Condition.Types.Status;

namespace Monolith.Image.Imports;

/// <summary>The steps of an import, as its image shows them.</summary>
internal static class ImportConditions
{
    public const string Fetched = "Fetched", Verified = "Verified", Converted = "Converted";

    public static void Begin(ImageMessage origin, bool converts, DateTime now)
    {
        string[] types = converts ? [Fetched, Verified, Converted] : [Fetched, Verified];
        foreach (var type in types)
            origin.Conditions.Add(new Condition
            {
                Type = type,
                Status = Status.Pending,
                Since = now.ToTimestamp(),
                Deadline = origin.Import.Deadline,
            });
    }

    public static void Hold(ImageMessage origin, string type, DateTime now) => Set(origin, type, Status.True, "", "", now);

    /// <summary>How far it is.</summary>
    public static void Tell(ImageMessage origin, string type, string message, DateTime now) =>
        Set(origin, type, Status.Pending, "", message, now);

    /// <summary>What stands in the way for now, of the first that does not hold.</summary>
    public static void Wait(ImageMessage origin, string reason, string message, DateTime now)
    {
        if (First(origin) is { } first) Set(origin, first.Type, Status.Pending, reason, message, now);
    }

    /// <summary>The first that does not hold never will.</summary>
    public static void Fail(ImageMessage origin, string reason, string message, DateTime now)
    {
        if (First(origin) is { } first) Set(origin, first.Type, Status.False, reason, message, now);
        foreach (var left in origin.Conditions) left.Deadline = null;
    }

    static Condition? First(ImageMessage origin) => origin.Conditions.FirstOrDefault(c => c.Status != Status.True);

    static void Set(ImageMessage origin, string type, Status status, string reason, string message, DateTime now)
    {
        if (origin.Conditions.FirstOrDefault(c => c.Type == type) is not { } condition) return;
        if (condition.Status != status) condition.Since = now.ToTimestamp();
        (condition.Status, condition.Reason, condition.Message) = (status, reason, message);
        if (status != Status.Pending) condition.Deadline = null;
    }
}
