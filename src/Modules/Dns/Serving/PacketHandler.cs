namespace Monolith.Dns.Serving;

/// <summary>One packet in, one packet out, whatever the bytes are.</summary>
/// <param name="zones">The zones as they are now.</param>
internal sealed class PacketHandler(Func<NameTable<ZoneSnapshot>> zones, DnsMetrics metrics)
{
    /// <returns>Length of the answer in the buffer; 0: say nothing.</returns>
    /// <param name="answer">65,535 bytes.</param>
    /// <param name="truncate">Say only that the client should come by TCP.</param>
    public int Handle(ReadOnlySpan<byte> packet, Span<byte> answer, bool udp, bool truncate = false)
    {
        Span<byte> name = stackalloc byte[DnsName.MaxWire];
        var query = Query.Read(packet, name);
        if (query.Kind == QueryKind.Silence) return 0;
        // Nothing below throws for what a client sends; should it do so all the same, the client hears of it.
        Reply reply;
        try
        {
            reply = query.Kind switch
            {
                QueryKind.Question => Answering.Answer(query.Name, query.Type, query.Class, zones()),
                QueryKind.OtherOperation => Reply.Of(ResponseCode.NotImplemented),
                QueryKind.OtherVersion => Reply.Of(ResponseCode.BadVersion),
                _ => Reply.Of(ResponseCode.FormatError),
            };
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            metrics.Failed(e);
            reply = Reply.Of(ResponseCode.ServerFailure);
        }
        DnsMetrics.Answered(reply.Code, udp);
        var limit = truncate ? 0 : udp ? Math.Min(query.UdpSize, ReplyWriter.MaxUdp) : answer.Length;
        return ReplyWriter.Write(query, packet, reply, answer, limit);
    }
}
