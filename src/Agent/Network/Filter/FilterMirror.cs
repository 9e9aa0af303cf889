using Monolith.Agent.Native.Safe;

namespace Monolith.Agent.Network.Filter;

/// <summary>
/// What the kernel lists when it is told what the agent tells it: said once more in a namespace apart, where no packet is.
/// Thus the agent's rules need not be written down a second time to be held against what is there.
/// </summary>
internal sealed class FilterMirror : IDisposable
{
    private NamespaceThread? thread;
    private NftablesContext? nftables;
    private (string Commands, Ruleset Listed)? last;

    /// <param name="commands">All that makes the rule set from nothing.</param>
    public Ruleset Of(string commands)
    {
        if (last is { } known && known.Commands == commands)
            return known.Listed;
        thread ??= NamespaceThread.Apart("mirror");
        var listed = thread.RunAsync(
            () =>
            {
                nftables ??= new NftablesContext();
                nftables.Apply("flush ruleset\n" + commands);
                return FilterTable.List(nftables);
            },
            CancellationToken.None).GetAwaiter().GetResult();
        last = (commands, listed);
        return listed;
    }

    public void Dispose()
    {
        nftables?.Dispose();
        thread?.Dispose();
    }
}
