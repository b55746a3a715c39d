// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The test guest: says that it is up, answers on the serial line, writes the
 * disk witness at a steady rate, and misbehaves on request (WITNESS.md lists
 * the options). It exists so that cluster tests can run dozens of guests that
 * start in a fraction of a second and can prove that none ran twice.
 *
 * Everything that must work while the disk hangs is in nano_serve(), which
 * the disk driver calls while it waits; everything that writes to the disk is
 * in the main loop, so one request is never begun inside another.
 */
#include "witness.h"

#define MULTIBOOT_LOADER_MAGIC 0x2badb002u
#define MULTIBOOT_HAS_MEMORY 0x1u
#define MULTIBOOT_HAS_CMDLINE 0x4u
#define OPTIONS_BYTES 512u
#define TIMER_HZ_MIN 20u       /* bounds how late a button press is seen */
#define MEMORY_FIRST_KIB 1024u /* mem_upper counts from here */
#define PAGE_BYTES 4096u
#define KIB 1024u

struct multiboot_info {
	uint32_t flags;
	uint32_t mem_lower_kib;
	uint32_t mem_upper_kib;
	uint32_t boot_device;
	uint32_t cmdline;
};

extern uint8_t nano_end[];
void nano_main(uint32_t magic, const struct multiboot_info *info);

static struct options options;
static struct witness witness;
static char options_text[OPTIONS_BYTES];
static uint32_t timer_hz = TIMER_HZ_MIN;
static uint32_t memory_end;
static bool off_wanted;
static uint32_t off_at_ticks;

uint32_t
nano_seconds_to_ticks(uint32_t s)
{
	return s * timer_hz;
}

static void
status_say(void)
{
	const struct record *r = &witness.now;

	say("status boot=%llx ordinal=%u count=%llu total=%llu "
	    "violations=%u disk_errors=%u gap_s=%u ticks=%u disk=%s\n",
	    r->boot, r->ordinal, r->counter, r->total, r->violations,
	    r->disk_errors, r->gap_s, irq_ticks(),
	    witness_state_name(witness.state));
}

static void
serial_serve(void)
{
	int c;

	while ((c = serial_get()) >= 0) {
		if (c == 'p') {
			say("pong boot=%llx count=%llu\n", witness.now.boot,
			    witness.now.counter);
		} else if (c == 's') {
			status_say();
		}
	}
}

static void
button_serve(void)
{
	if (!power_button_pressed()) {
		return;
	}
	say("nano: power button\n");
	if (options.power == POWER_IGNORE || off_wanted) {
		return;
	}
	off_wanted = true;
	off_at_ticks = irq_ticks();
	if (options.power == POWER_SLOW) {
		off_at_ticks += nano_seconds_to_ticks(options.slow_s);
	}
}

static bool
is_due(uint32_t after_s)
{
	return after_s && irq_ticks() >= nano_seconds_to_ticks(after_s);
}

static void
faults_serve(void)
{
	if (is_due(options.stuck_s)) {
		say("nano: stuck\n");
		irq_stop_for_ever();
	}
	if (is_due(options.reset_s)) {
		say("nano: reset\n");
		power_reset();
	}
	if (is_due(options.panic_s)) {
		options.panic_s = 0;
		if (power_panic()) {
			say("nano: panic\n");
			irq_stop_for_ever();
		}
		say("nano: no panic device\n");
	}
}

void
nano_serve(void)
{
	serial_serve();
	button_serve();
	faults_serve();
	channel_serve();
}

static void
off_serve(void)
{
	if (is_due(options.poweroff_s) && !off_wanted) {
		off_wanted = true;
		off_at_ticks = irq_ticks();
	}
	if (!off_wanted || (int32_t)(irq_ticks() - off_at_ticks) < 0) {
		return;
	}
	witness_end(&witness);
	say("nano: power off boot=%llx count=%llu\n", witness.now.boot,
	    witness.now.counter);
	power_off();
}

/* Work for live migration: a changed word in each page. */
static void
memory_dirty(void)
{
	uintptr_t first = ((uintptr_t)nano_end + PAGE_BYTES - 1) &
			  ~(uintptr_t)(PAGE_BYTES - 1);
	uintptr_t end = first + options.dirty_kib * KIB;

	if (end > memory_end) {
		end = memory_end;
	}
	for (uintptr_t at = first; at + PAGE_BYTES <= end; at += PAGE_BYTES) {
		(*(volatile uint32_t *)at)++;
	}
}

static void
sleep_until_interrupt(uint32_t seen_ticks)
{
	if (options.spin) {
		return;
	}
	irq_off();
	if (irq_ticks() == seen_ticks) {
		irq_on_and_wait();
	} else {
		irq_on();
	}
}

__attribute__((noreturn)) static void
run(void)
{
	uint32_t period = timer_hz / options.tick_hz;
	uint32_t next = irq_ticks() + period;

	for (;;) {
		uint32_t now = irq_ticks();

		nano_serve();
		if ((int32_t)(now - next) >= 0) {
			/* ticks lost to a slow disk are not caught up */
			next += period;
			if ((int32_t)(now - next) >= 0) {
				next = now + period;
			}
			memory_dirty();
			witness_tick(&witness);
		}
		off_serve();
		sleep_until_interrupt(now);
	}
}

/* The loader puts the kernel's file name in front of the options. */
static void
options_read(const struct multiboot_info *info)
{
	static char scratch[OPTIONS_BYTES];
	const char *from = "";
	size_t n = 0;

	if (info->flags & MULTIBOOT_HAS_CMDLINE) {
		from = (const char *)(uintptr_t)info->cmdline;
	}
	while (*from && *from != ' ') {
		from++;
	}
	while (*from == ' ') {
		from++;
	}
	while (n < OPTIONS_BYTES - 1 && from[n]) {
		options_text[n] = from[n];
		n++;
	}
	memcpy(scratch, options_text, sizeof(scratch));
	options_parse(scratch, &options);
}

void
nano_main(uint32_t magic, const struct multiboot_info *info)
{
	uint32_t sectors = 0;
	const char *power;

	serial_init();
	if (magic != MULTIBOOT_LOADER_MAGIC) {
		say("nano: not started by a multiboot loader\n");
		irq_stop_for_ever();
	}
	options_read(info);
	if (info->flags & MULTIBOOT_HAS_MEMORY) {
		memory_end = (MEMORY_FIRST_KIB + info->mem_upper_kib) * KIB;
	}
	/* the timer runs at a whole multiple of the tick rate */
	timer_hz = options.tick_hz;
	while (timer_hz < TIMER_HZ_MIN) {
		timer_hz += options.tick_hz;
	}
	irq_init(timer_hz);
	power = power_init();
	(void)ide_init(&sectors);
	witness_init(&witness, &options, sectors);
	say("nano: up boot=%llx ordinal=%u options=%s\n", witness.now.boot,
	    witness.now.ordinal, options_text);
	say("nano: disk=%s sectors=%u power=%s\n",
	    witness_state_name(witness.state), sectors, power);
	channel_init(&options);
	run();
}
