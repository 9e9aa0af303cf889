namespace Monolith.Agent.Tests.Vms;

/// <summary>
/// Whole operating systems of a few bytes, for raw disk images. ACPI's registers of q35 begin at 0x600.
/// </summary>
internal static class BootGuests
{
    /// <summary>Writes S5 into the power management control register.</summary>
    public static byte[] PowersOffAtOnce => Disk(
    [
        0xba, 0x04, 0x06, // mov dx, 0x604
        0xb8, 0x00, 0x20, // mov ax, 0x2000
        0xef, 0xf4, //       out dx, ax; hlt
    ]);

    /// <summary>Enables the power button, waits for its status bit, then powers off.</summary>
    public static byte[] PowersOffWhenTheButtonIsPressed => Disk(
    [
        0xfa, 0xba, 0x02, 0x06, //  cli; mov dx, 0x602
        0xb8, 0x00, 0x01, 0xef, //  mov ax, 0x100; out dx, ax
        0xba, 0x00, 0x06, //        mov dx, 0x600
        0xed, 0xf6, 0xc4, 0x01, //  in ax, dx; test ah, 1
        0x74, 0xfa, //              jz the in
        0xba, 0x04, 0x06, //        mov dx, 0x604
        0xb8, 0x00, 0x20, //        mov ax, 0x2000
        0xef, 0xf4, //              out dx, ax; hlt
    ]);

    private static byte[] Disk(byte[] code)
    {
        var disk = new byte[1 << 20];
        code.CopyTo(disk, 0);
        (disk[510], disk[511]) = (0x55, 0xaa);
        return disk;
    }
}
