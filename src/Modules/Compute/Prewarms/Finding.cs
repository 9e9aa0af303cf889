using Monolith.Compute.V1;
using Monolith.Image.Contracts;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;

namespace Monolith.Compute.Prewarms;

/// <summary>Which image a prewarm's name leads to now. Immutable; made purely.</summary>
/// <param name="Reason">Why there is none to hold; empty: there is.</param>
/// <param name="Fails">Somebody has to do something before there is one.</param>
internal sealed record Finding(string Image, Wanted Wanted, string Reason, string Message, bool Fails)
{
    public static Finding Of(string name, ImageFacts? facts) => facts switch
    {
        null => None("IMAGE_GONE", ResourceName.Match(ImageNames.Family, name) is null
            ? $"{name} does not exist: there is nothing to hold."
            : $"{name} has no image that is READY and neither deprecated nor hidden: there is nothing to hold.", true),
        { Obsolete: true } => None("IMAGE_OBSOLETE", $"{facts.Name} is obsolete, no server is made from it: nothing is held. {facts.Warning}".TrimEnd(), true),
        { Missing.Length: > 0 } => None("IMAGE_NOT_READY", facts.Missing, false),
        _ => new(facts.Name, new(facts.Sha256, facts.SizeBytes, facts.Format), "", "", false),
    };

    static Finding None(string reason, string message, bool fails) => new("", new("", 0, ""), reason, message, fails);

    /// <returns>Whether the row changed.</returns>
    public bool Apply(ImagePrewarmRow row, DateTime now)
    {
        if (row.HeldImage == Image && row.Wanted == Wanted && row.ImageReason == Reason && row.ImageMessage == Message)
            return false;
        if (row.Sha256 != Wanted.Sha256) row.ImageTime = now;
        (row.HeldImage, row.Sha256, row.SizeBytes, row.Format) = (Image, Wanted.Sha256, Wanted.SizeBytes, Wanted.Format);
        (row.ImageReason, row.ImageMessage) = (Reason, Message);
        return true;
    }
}

internal static class PrewarmEvents
{
    public static ImagePrewarm Emit(this Unit<ComputeDb> unit, Change change, ImagePrewarmRow row)
    {
        var prewarm = row.ToProto();
        unit.Emit("imagePrewarm", change, row.Name, "", prewarm);
        return prewarm;
    }
}
