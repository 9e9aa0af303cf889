namespace Monolith.Agent.Vms;

/// <summary>The boot sector that QemuProbeGuest.S assembles to; a test assembles it and compares.</summary>
internal static class QemuProbeGuest
{
    /// <summary>
    /// QEMU's exit code when the guest ran to its end: isa-debug-exit doubles the byte 0x2a and adds 1.
    /// </summary>
    public const int ExitCode = 85;

    private const string Code =
        "31c08ed88ec08ed0bc007cfcfb8b1e6c0483c303f43b1e6c0475f9fabf0010b9000c6631c066f3ab66c7060010032000" +
        "0066c70600200330000066c7060030830000000f20e06683c8200f22e066b8001000000f22d866b9800000c00f32660d" +
        "000100000f300f0116a87c0f20c0660d010000800f22c0ea7c7c080041b8e803000031c00fa241ffc875f766ba0105b0" +
        "2aeef4ebfd0f1f00000000000000000000000000009a20000f00987c";

    /// <summary>The sector in a disk large enough for the firmware to have a geometry for it.</summary>
    public static byte[] Disk
    {
        get
        {
            var sector = new byte[1 << 20];
            Convert.FromHexString(Code).CopyTo(sector, 0);
            (sector[510], sector[511]) = (0x55, 0xaa);
            return sector;
        }
    }
}
