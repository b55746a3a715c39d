// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * COM1: how the guest talks to the tests. Sending polls, but never longer
 * than SEND_SPINS per character: a reader that went away costs the guest
 * characters, never its life. Received bytes go from the interrupt into a
 * small ring; when it is full the newest are lost.
 */
#include <stdarg.h>

#include "nano.h"

#define COM1 0x3f8
#define COM_IER (COM1 + 1)
#define COM_FIFO (COM1 + 2)
#define COM_LCR (COM1 + 3)
#define COM_MCR (COM1 + 4)
#define COM_LSR (COM1 + 5)
#define IER_RECEIVE 0x01
#define FIFO_ON_AND_CLEAR 0x07
#define LCR_8N1 0x03
#define LCR_DIVISOR 0x80
#define MCR_DTR_RTS_OUT2 0x0b
#define LSR_RECEIVED 0x01
#define LSR_CAN_SEND 0x20
#define DIVISOR_115200 1
#define SEND_SPINS 10000u
#define RING_BYTES 64u

void serial_receive(void);

static volatile uint8_t ring[RING_BYTES];
static volatile uint32_t ring_in, ring_out;

void
serial_init(void)
{
	outb(COM_IER, 0);
	outb(COM_LCR, LCR_DIVISOR);
	outb(COM1, DIVISOR_115200);
	outb(COM_IER, 0);
	outb(COM_LCR, LCR_8N1);
	outb(COM_FIFO, FIFO_ON_AND_CLEAR);
	outb(COM_MCR, MCR_DTR_RTS_OUT2);
	outb(COM_IER, IER_RECEIVE);
}

void
serial_receive(void)
{
	for (uint32_t i = 0; i < RING_BYTES; i++) {
		uint8_t c;

		if (!(inb(COM_LSR) & LSR_RECEIVED)) {
			return;
		}
		c = inb(COM1);
		if (ring_in - ring_out < RING_BYTES) {
			ring[ring_in % RING_BYTES] = c;
			ring_in++;
		}
	}
}

/* A received byte, or -1. */
int
serial_get(void)
{
	int c = -1;

	if (ring_in != ring_out) {
		c = ring[ring_out % RING_BYTES];
		ring_out++;
	}
	return c;
}

static void
put(char c)
{
	for (uint32_t i = 0; i < SEND_SPINS; i++) {
		if (inb(COM_LSR) & LSR_CAN_SEND) {
			break;
		}
	}
	outb(COM1, (uint8_t)c);
}

static void
put_string(const char *s)
{
	while (*s) {
		put(*s++);
	}
}

static void
put_decimal(uint64_t v)
{
	char digits[21];
	size_t at = sizeof(digits) - 1;

	digits[at] = '\0';
	do {
		digits[--at] = (char)('0' + div64(&v, 10));
	} while (v);
	put_string(digits + at);
}

static void
put_hex(uint64_t v, int digits)
{
	while (digits--) {
		put("0123456789abcdef"[v >> (digits * 4) & 0xf]);
	}
}

void
say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	for (; *fmt; fmt++) {
		bool is_long = false;

		if (*fmt != '%') {
			put(*fmt);
			continue;
		}
		fmt++;
		if (fmt[0] == 'l' && fmt[1] == 'l') {
			is_long = true;
			fmt += 2;
		}
		if (*fmt == 's') {
			put_string(va_arg(ap, const char *));
		} else if (*fmt == 'u') {
			put_decimal(is_long ? va_arg(ap, uint64_t) :
					      va_arg(ap, uint32_t));
		} else if (*fmt == 'x' && is_long) {
			put_hex(va_arg(ap, uint64_t), 16);
		} else {
			put_hex(va_arg(ap, uint32_t), 8);
		}
	}
	va_end(ap);
}
