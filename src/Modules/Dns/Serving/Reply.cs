namespace Monolith.Dns.Serving;

/// <summary>A record set under the name that it is sent with, which a wildcard makes another than its own.</summary>
internal readonly record struct ReplySet(byte[] Owner, ServedSet Set);

/// <summary>What is to be said to a question, before it is bytes.</summary>
internal sealed class Reply
{
    public ResponseCode Code { get; set; }

    public bool Authoritative { get; set; }

    public List<ReplySet> Answer { get; } = new(2);

    public List<ReplySet> Authority { get; } = new(1);

    /// <summary>May be left out when there is no room, unless the reply is a referral.</summary>
    public List<ReplySet> Additional { get; } = [];

    /// <summary>Without its glue a referral leads nowhere.</summary>
    public bool IsReferral { get; set; }

    public static Reply Of(ResponseCode code) => new() { Code = code };
}
