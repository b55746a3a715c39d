// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Interrupts: legacy PIC, PIT channel 0 as the only clock, and a stop on any
 * exception. The tick counter stands still while the machine is paused, which
 * is wanted: guest time is what the guest lived through, the CMOS clock tells
 * what passed outside.
 */
#include "nano.h"

#define PIC1_COMMAND 0x20
#define PIC1_DATA 0x21
#define PIC2_COMMAND 0xa0
#define PIC2_DATA 0xa1
#define PIC_INIT 0x11
#define PIC_8086 0x01
#define PIC_EOI 0x20
#define PIC_CASCADE_LINE 2
#define PIT_COMMAND 0x43
#define PIT_CHANNEL0 0x40
#define PIT_RATE_GENERATOR 0x34
#define PIT_BASE_HZ 1193182u

#define VECTOR_BASE 0x20u
#define IRQ_TIMER 0u
#define IRQ_SERIAL 4u
#define IRQ_DISK0 14u
#define IRQ_DISK1 15u
#define IRQS 16u
#define EXCEPTIONS 32u
#define EXCEPTION_STUB_BYTES 8u
#define CODE_SELECTOR 0x08
#define GATE_INTERRUPT 0x8e

#define IDE0_STATUS 0x1f7
#define IDE1_STATUS 0x177

struct gate {
	uint16_t offset_low;
	uint16_t selector;
	uint8_t zero;
	uint8_t type;
	uint16_t offset_high;
} __attribute__((packed));

struct table_pointer {
	uint16_t limit;
	uint32_t base;
} __attribute__((packed));

extern const uint8_t exception_stubs[];
void irq_timer_stub(void);
void irq_serial_stub(void);
void irq_disk0_stub(void);
void irq_disk1_stub(void);
void irq_spurious_stub(void);

/* Called from boot.S only. */
void irq_timer(void);
void irq_serial(void);
void irq_disk0(void);
void irq_disk1(void);
void irq_spurious(void);
void nano_exception(uint32_t vector) __attribute__((noreturn));
void serial_receive(void);

static struct gate idt[VECTOR_BASE + IRQS];
static volatile uint32_t ticks;

static void
gate_set(uint32_t vector, uintptr_t handler)
{
	idt[vector] = (struct gate){
		.offset_low = (uint16_t)handler,
		.selector = CODE_SELECTOR,
		.type = GATE_INTERRUPT,
		.offset_high = (uint16_t)(handler >> 16),
	};
}

void
irq_timer(void)
{
	ticks++;
	outb(PIC1_COMMAND, PIC_EOI);
}

void
irq_serial(void)
{
	serial_receive();
	outb(PIC1_COMMAND, PIC_EOI);
}

/* Reading the status register is what takes the disk's request back. */
void
irq_disk0(void)
{
	(void)inb(IDE0_STATUS);
	outb(PIC2_COMMAND, PIC_EOI);
	outb(PIC1_COMMAND, PIC_EOI);
}

void
irq_disk1(void)
{
	(void)inb(IDE1_STATUS);
	outb(PIC2_COMMAND, PIC_EOI);
	outb(PIC1_COMMAND, PIC_EOI);
}

/* Masked lines can still appear as spurious 7 and 15; those want no EOI. */
void
irq_spurious(void)
{
}

void
nano_exception(uint32_t vector)
{
	say("nano: exception vector=%u\n", vector);
	irq_stop_for_ever();
}

void
irq_stop_for_ever(void)
{
	for (;;) {
		__asm__ volatile("cli; hlt");
	}
}

uint32_t
irq_ticks(void)
{
	return ticks;
}

static void
pic_init(void)
{
	uint16_t wanted = 1u << IRQ_TIMER | 1u << IRQ_SERIAL |
			  1u << PIC_CASCADE_LINE | 1u << IRQ_DISK0 |
			  1u << IRQ_DISK1;
	uint16_t mask = (uint16_t)~wanted;

	outb(PIC1_COMMAND, PIC_INIT);
	outb(PIC2_COMMAND, PIC_INIT);
	outb(PIC1_DATA, VECTOR_BASE);
	outb(PIC2_DATA, VECTOR_BASE + 8);
	outb(PIC1_DATA, 1 << PIC_CASCADE_LINE);
	outb(PIC2_DATA, PIC_CASCADE_LINE);
	outb(PIC1_DATA, PIC_8086);
	outb(PIC2_DATA, PIC_8086);
	outb(PIC1_DATA, (uint8_t)mask);
	outb(PIC2_DATA, (uint8_t)(mask >> 8));
}

void
irq_init(uint32_t timer_hz)
{
	uint32_t divisor = PIT_BASE_HZ / timer_hz;
	struct table_pointer idt_pointer = {
		.limit = sizeof(idt) - 1,
		.base = (uint32_t)(uintptr_t)idt,
	};

	for (uint32_t i = 0; i < EXCEPTIONS; i++) {
		gate_set(i,
			 (uintptr_t)exception_stubs + i * EXCEPTION_STUB_BYTES);
	}
	for (uint32_t i = 0; i < IRQS; i++) {
		gate_set(VECTOR_BASE + i, (uintptr_t)irq_spurious_stub);
	}
	gate_set(VECTOR_BASE + IRQ_TIMER, (uintptr_t)irq_timer_stub);
	gate_set(VECTOR_BASE + IRQ_SERIAL, (uintptr_t)irq_serial_stub);
	gate_set(VECTOR_BASE + IRQ_DISK0, (uintptr_t)irq_disk0_stub);
	gate_set(VECTOR_BASE + IRQ_DISK1, (uintptr_t)irq_disk1_stub);
	__asm__ volatile("lidt %0" : : "m"(idt_pointer));

	pic_init();
	outb(PIT_COMMAND, PIT_RATE_GENERATOR);
	outb(PIT_CHANNEL0, (uint8_t)divisor);
	outb(PIT_CHANNEL0, (uint8_t)(divisor >> 8));
	irq_on();
}
