using Google.Protobuf.WellKnownTypes;
using Google.Protobuf;
using Grpc.Core;
using Monolith.Cli.Nouns;
using Monolith.Cli.Session;

namespace Monolith.Cli.Verbs;

/// <summary>
/// Edits one field of a resource by reading it, changing it, and writing it back under its etag. When somebody else
/// wrote in between, the edit is made anew on what they left; nobody's change is lost.
/// </summary>
internal static class Edit
{
    const int Attempts = 8;

    /// <param name="run">The command.</param>
    /// <param name="noun">What is edited.</param>
    /// <param name="name">As the person wrote it.</param>
    /// <param name="field">The field that is sent in the mask.</param>
    /// <param name="change">Changes the resource in place; may run more than once.</param>
    public static async Task<int> SendAsync<T>(Run run, Noun noun, string name, string field, Action<T> change)
        where T : IMessage
    {
        for (var attempt = 1; ; attempt++)
        {
            var resource = (T)await Show.GetAsync(run, noun, name);
            change(resource);
            try
            {
                return await Update.SendAsync(run, noun, resource, new FieldMask { Paths = { field } });
            }
            // An id that the caller chose is for one content: the next attempt's content would differ.
            catch (RpcException error) when (error.StatusCode == StatusCode.Aborted && attempt < Attempts
                && run.Line.GetValue(Mutation.RequestId) is null)
            {
            }
        }
    }
}
