# The guest that proves an accelerator: a boot sector that takes timer interrupts in real mode, builds page tables,
# changes to 64 bits, leaves to the hypervisor a thousand times (cpuid), and ends QEMU by its debug-exit port.
# QemuProbeGuest.cs holds its bytes:
#   as QemuProbeGuest.S -o g.o && ld -Ttext 0x7c00 --oformat binary g.o -o g.bin

        .code16
        .globl _start
_start: xorw %ax, %ax
        movw %ax, %ds
        movw %ax, %es
        movw %ax, %ss
        movw $0x7c00, %sp
        cld
        sti
        # The BIOS counts interrupts of the timer at 0x46c.
        movw 0x46c, %bx
        addw $3, %bx
tick:   hlt
        cmpw 0x46c, %bx
        jne tick
        cli
        # One page of 2 MiB at 0: PML4 at 0x1000, PDPT at 0x2000, PD at 0x3000.
        movw $0x1000, %di
        movw $0xc00, %cx
        xorl %eax, %eax
        rep stosl
        movl $0x2003, 0x1000
        movl $0x3003, 0x2000
        movl $0x0083, 0x3000
        movl %cr4, %eax
        orl $0x20, %eax
        movl %eax, %cr4
        movl $0x1000, %eax
        movl %eax, %cr3
        movl $0xc0000080, %ecx
        rdmsr
        orl $0x100, %eax
        wrmsr
        lgdt gdtr
        movl %cr0, %eax
        orl $0x80000001, %eax
        movl %eax, %cr0
        ljmp $8, $long

        .code64
long:   movl $1000, %r8d
leave:  xorl %eax, %eax
        cpuid
        decl %r8d
        jnz leave
        movw $0x501, %dx
        movb $0x2a, %al
        outb %al, %dx
halt:   hlt
        jmp halt

        .balign 8
gdt:    .quad 0
        .quad 0x00209a0000000000
gdtr:   .word . - gdt - 1
        .long gdt

        .org 510
        .word 0xaa55
