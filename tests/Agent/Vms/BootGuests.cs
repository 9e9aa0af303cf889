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

    /// <summary>
    /// Counts from 1 in its memory and writes each number, by the BIOS, to the next of 64 sectors that begin at the 64th.
    /// </summary>
    public static byte[] CountsOnItsDisk => Disk(
    [
        0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xd0, 0xbc, 0x00, 0x7c, //        ds = ss = 0; mov sp, 0x7c00
        0x88, 0x16, 0xff, 0x05, //                                      mov [drive], dl
        0x66, 0xc7, 0x06, 0x00, 0x80, 0x00, 0x00, 0x00, 0x00, //        mov dword [0x8000], 0
        0x66, 0xff, 0x06, 0x00, 0x80, //                                inc dword [0x8000]
        0x66, 0xa1, 0x00, 0x80, //                                      mov eax, [0x8000]
        0x66, 0x83, 0xe0, 0x3f, 0x66, 0x83, 0xc0, 0x40, //              eax = eax % 64 + 64
        0x66, 0xa3, 0x41, 0x7c, //                                      mov [packet + 8], eax
        0xbe, 0x39, 0x7c, 0xb8, 0x00, 0x43, //                          mov si, packet; mov ax, 0x4300
        0x8a, 0x16, 0xff, 0x05, 0xcd, 0x13, //                          mov dl, [drive]; int 0x13
        0xeb, 0xdd, //                                                  again
        0x10, 0x00, 0x01, 0x00, 0x00, 0x80, 0x00, 0x00, 0x00, 0x00, // packet: a sector from 0:8000
    ]);

    /// <summary>Says "ready" on its serial port, and then sends back each byte that it reads there. Idle in between.</summary>
    public static byte[] EchoesOnItsSerialPort => Disk(
    [
        0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xd0, 0xbc, 0x00, 0x7c, //        ds = ss = 0; mov sp, 0x7c00
        0xbe, 0x39, 0x7c, //                                            mov si, text
        0xac, 0x84, 0xc0, 0x74, 0x05, //                                lodsb; test al, al; jz echo
        0xe8, 0x15, 0x00, 0xeb, 0xf6, //                                call put; jmp lodsb
        0xba, 0xfd, 0x03, 0xec, 0xa8, 0x01, 0x75, 0x03, //        echo: mov dx, 0x3fd; in al, dx; test al, 1; jnz take
        0xf4, 0xeb, 0xf8, //                                            hlt; jmp in
        0xb2, 0xf8, 0xec, 0xe8, 0x02, 0x00, 0xeb, 0xed, //        take: mov dl, 0xf8; in al, dx; call put; jmp echo
        0x88, 0xc4, 0xba, 0xfd, 0x03, //                           put: mov ah, al; mov dx, 0x3fd
        0xec, 0xa8, 0x20, 0x74, 0xfb, //                                in al, dx; test al, 0x20; jz in
        0x88, 0xe0, 0xb2, 0xf8, 0xee, 0xc3, //                          mov al, ah; mov dl, 0xf8; out dx, al; ret
        0x72, 0x65, 0x61, 0x64, 0x79, 0x0d, 0x0a, 0x00, //        text: "ready\r\n"
    ]);

    private static byte[] Disk(byte[] code)
    {
        var disk = new byte[1 << 20];
        code.CopyTo(disk, 0);
        (disk[510], disk[511]) = (0x55, 0xaa);
        return disk;
    }
}
