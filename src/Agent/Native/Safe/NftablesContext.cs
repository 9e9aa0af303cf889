using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Monolith.Agent.Native.Raw;
using static Monolith.Agent.Native.Raw.LibNftablesConstants;

namespace Monolith.Agent.Native.Safe;

/// <summary>
/// One libnftables context, kept for the life of the process: a fresh one would read the whole rule set again for each
/// command. A buffer of commands is one transaction of the kernel: all of it or nothing. For one thread at a time; its
/// socket stays in the namespace in which it was made.
/// </summary>
internal sealed class NftablesContext : SafeHandleZeroOrMinusOneIsInvalid
{
    public NftablesContext()
        : base(ownsHandle: true)
    {
        SetHandle(LibNftables.nft_ctx_new(NFT_CTX_DEFAULT));
        if (IsInvalid || LibNftables.nft_ctx_buffer_output(this) != 0 || LibNftables.nft_ctx_buffer_error(this) != 0)
            throw new NftablesException("nft_ctx_new", "no memory for a context");
    }

    /// <summary>Applies commands in nft(8) syntax as one transaction.</summary>
    public void Apply(string commands) => Run(commands, 0);

    /// <summary>Runs a listing and returns libnftables-json(5).</summary>
    public string ListJson(string command) => Run(command, NFT_CTX_OUTPUT_JSON);

    private string Run(string commands, uint flags)
    {
        LibNftables.nft_ctx_output_set_flags(this, flags);
        var result = LibNftables.nft_run_cmd_from_buffer(this, commands);
        var output = Marshal.PtrToStringUTF8(LibNftables.nft_ctx_get_output_buffer(this)) ?? "";
        var errors = Marshal.PtrToStringUTF8(LibNftables.nft_ctx_get_error_buffer(this)) ?? "";
        return result == 0 ? output : throw new NftablesException(commands, errors);
    }

    protected override bool ReleaseHandle()
    {
        LibNftables.nft_ctx_free(handle);
        return true;
    }
}

/// <summary>The kernel or the parser refused a transaction; nothing of it was applied.</summary>
public sealed class NftablesException(string commands, string errors)
    : IOException($"nftables refused the transaction: {errors.Trim()}")
{
    /// <summary>What was to be applied, for the log.</summary>
    public string Commands { get; } = commands;

    /// <summary>Whether the thing that was listed does not exist.</summary>
    public bool IsNotFound { get; } = errors.Contains("No such file or directory", StringComparison.Ordinal);
}
