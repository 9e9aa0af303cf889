using System.Runtime.InteropServices;

namespace Monolith.Agent.Native.Raw;

/// <summary>libnftables(3). The context is not safe for two threads at once.</summary>
internal static partial class LibNftables
{
    private const string Library = "libnftables.so.1";

    [LibraryImport(Library)]
    internal static partial nint nft_ctx_new(uint flags);

    [LibraryImport(Library)]
    internal static partial void nft_ctx_free(nint context);

    [LibraryImport(Library)]
    internal static partial void nft_ctx_output_set_flags(SafeHandle context, uint flags);

    [LibraryImport(Library)]
    internal static partial int nft_ctx_buffer_output(SafeHandle context);

    [LibraryImport(Library)]
    internal static partial int nft_ctx_buffer_error(SafeHandle context);

    /// <summary>The result belongs to the context and lives until its next command.</summary>
    [LibraryImport(Library)]
    internal static partial nint nft_ctx_get_output_buffer(SafeHandle context);

    [LibraryImport(Library)]
    internal static partial nint nft_ctx_get_error_buffer(SafeHandle context);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int nft_run_cmd_from_buffer(SafeHandle context, string commands);
}

[CConstants("nftables/libnftables.h")]
internal static class LibNftablesConstants
{
    public const uint NFT_CTX_DEFAULT = 0, NFT_CTX_OUTPUT_JSON = 1 << 4;
}
