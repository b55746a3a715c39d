/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parts of the test guest and what they offer each other. The guest is one
 * CPU without an operating system: interrupt handlers only note that
 * something happened, all work is done by the main loop.
 *
 * Order of use: lib, irq, serial, rtc, ide and power know nothing of each
 * other's callers; witness uses ide and rtc; nano.c decides.
 */
#ifndef NANO_H
#define NANO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECTOR_BYTES 512u

/* lib.c: what the compiler itself may call, and the checksum. */
void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
uint32_t crc32(const void *data, size_t n);
uint32_t div64(uint64_t *value, uint32_t by);

static inline void
outb(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static inline void
outw(uint16_t port, uint16_t v)
{
	__asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port));
}

static inline void
outl(uint16_t port, uint32_t v)
{
	__asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port));
}

static inline uint8_t
inb(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline uint16_t
inw(uint16_t port)
{
	uint16_t v;

	__asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline uint32_t
inl(uint16_t port)
{
	uint32_t v;

	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline uint64_t
tsc_read(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}

static inline void
irq_off(void)
{
	__asm__ volatile("cli" : : : "memory");
}

static inline void
irq_on(void)
{
	__asm__ volatile("sti" : : : "memory");
}

/* One instruction pair: an interrupt between them cannot be slept through. */
static inline void
irq_on_and_wait(void)
{
	__asm__ volatile("sti; hlt" : : : "memory");
}

/* irq.c */
void irq_init(uint32_t timer_hz);
uint32_t irq_ticks(void);
__attribute__((noreturn)) void irq_stop_for_ever(void);

/* serial.c: COM1. say() knows %s %u %x %llu %llx, %llx always 16 digits. */
void serial_init(void);
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int serial_get(void);

/* rtc.c: seconds since 1970 as the machine's CMOS clock has them. */
uint64_t rtc_read_s(void);

/* ide.c: 0 or -1; on -1 the disk may or may not hold the data. While it
 * waits it calls nano_serve(), so the guest stays reachable on a hung disk. */
bool ide_init(uint32_t *ret_sectors);
int ide_read(uint32_t lba, uint8_t sector[SECTOR_BYTES]);
int ide_write(uint32_t lba, const uint8_t sector[SECTOR_BYTES]);
int ide_flush(void);

/* power.c */
const char *power_init(void);
bool power_button_pressed(void);
__attribute__((noreturn)) void power_off(void);
__attribute__((noreturn)) void power_reset(void);
bool power_panic(void);

/* options.c */
enum power_policy {
	POWER_CLEAN,
	POWER_IGNORE,
	POWER_SLOW,
};

struct options {
	uint32_t tick_hz;
	uint32_t slow_s;  /* with POWER_SLOW: button to power-off */
	uint32_t panic_s; /* 0: never; so with the next three */
	uint32_t reset_s;
	uint32_t poweroff_s;
	uint32_t stuck_s;
	uint32_t dirty_kib;
	uint32_t agent_s;     /* 0: never; its guest agent is there from then */
	uint32_t heartbeat_s; /* 0: never; its application is well from then */
	bool agent_dumb;      /* and its guest agent never answers */
	enum power_policy power;
	bool spin;
	bool flush; /* cache flush after each owner write */
};

void options_parse(char *text, struct options *ret_o);

/* channel.c */
void channel_init(const struct options *options);
void channel_serve(void);

/* nano.c */
void nano_serve(void);
uint32_t nano_seconds_to_ticks(uint32_t s);

#endif
