/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entry of the test guest: the multiboot header that "qemu -kernel" looks
 * for, a stack, and the interrupt stubs that C cannot express.
 *
 * Exceptions end in nano_exception() and never return: a guest that has lost
 * its own mind must not go on writing a witness that others trust.
 */
#define MULTIBOOT_MAGIC 0x1badb002
#define MULTIBOOT_FLAGS 0x2 /* ask for the memory size and the command line */
#define STACK_BYTES 16384
#define CODE_SELECTOR 0x08
#define DATA_SELECTOR 0x10
#define EXCEPTIONS 32

	.section .multiboot, "a"
	.align 4
	.long MULTIBOOT_MAGIC
	.long MULTIBOOT_FLAGS
	.long -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)

	.section .bss
	.align 16
stack:
	.skip STACK_BYTES
stack_top:

	.section .rodata
	.align 8
gdt:
	.quad 0
	.quad 0x00cf9a000000ffff
	.quad 0x00cf92000000ffff
gdt_pointer:
	.word gdt_pointer - gdt - 1
	.long gdt

	.text
	.globl nano_start
nano_start:
	cli
	cld
	movl $stack_top, %esp
	lgdt gdt_pointer
	ljmp $CODE_SELECTOR, $1f
1:	movl $DATA_SELECTOR, %ecx
	movl %ecx, %ds
	movl %ecx, %es
	movl %ecx, %fs
	movl %ecx, %gs
	movl %ecx, %ss
	pushl %ebx
	pushl %eax
	call nano_main
2:	cli
	hlt
	jmp 2b

/* Some exceptions push an error code; the handler prints none, so the stack
 * layout behind the number does not matter. */
	.set vector, 0
	.rept EXCEPTIONS
	.align 8
	.if vector == 0
	.globl exception_stubs
exception_stubs:
	.endif
	pushl $vector
	jmp exception_common
	.set vector, vector + 1
	.endr

exception_common:
	cld
	call nano_exception

	.macro irq_stub name handler
	.globl \name
\name:
	pushal
	cld
	call \handler
	popal
	iret
	.endm

	irq_stub irq_timer_stub, irq_timer
	irq_stub irq_serial_stub, irq_serial
	irq_stub irq_disk0_stub, irq_disk0
	irq_stub irq_disk1_stub, irq_disk1
	irq_stub irq_spurious_stub, irq_spurious

	.section .note.GNU-stack, "", @progbits
