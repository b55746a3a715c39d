// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The first ATA disk, by programmed I/O with 28-bit addresses.
 *
 * A wait for the disk sleeps until an interrupt and serves the serial line
 * meanwhile. It has no end of its own, on purpose: a hung datastore must look
 * to the test like a guest that waits for its disk and goes on when the disk
 * returns, and a request that was given up could still reach the disk later,
 * which would make the guest itself the second writer. Each STALL_REPORT_S
 * is reported on the serial line.
 */
#include "nano.h"

#define REG_DATA 0
#define REG_COUNT 2
#define REG_LBA0 3
#define REG_LBA1 4
#define REG_LBA2 5
#define REG_DRIVE 6
#define REG_COMMAND 7
#define REG_STATUS 7
#define STATUS_BUSY 0x80
#define STATUS_FAULT 0x20
#define STATUS_DATA 0x08
#define STATUS_ERROR 0x01
#define STATUS_FLOATING 0xff
#define DRIVE_LBA 0xe0
#define DRIVE_SECOND 0x10
#define COMMAND_READ 0x20
#define COMMAND_WRITE 0x30
#define COMMAND_FLUSH 0xe7
#define COMMAND_IDENTIFY 0xec
#define ATAPI_LBA1 0x14
#define IDENTIFY_SECTORS_WORD 60
#define SECTOR_DWORDS (SECTOR_BYTES / 4)
#define STALL_REPORT_S 5u

static const struct channel {
	uint16_t base, control;
} channels[] = { { 0x1f0, 0x3f6 }, { 0x170, 0x376 } };

static struct channel chan;
static uint8_t drive;

static void
data_in(void *to)
{
	uint32_t n = SECTOR_DWORDS;

	__asm__ volatile("rep insl"
			 : "+D"(to), "+c"(n)
			 : "d"(chan.base)
			 : "memory");
}

static void
data_out(const void *from)
{
	uint32_t n = SECTOR_DWORDS;

	__asm__ volatile("rep outsl"
			 : "+S"(from), "+c"(n)
			 : "d"(chan.base)
			 : "memory");
}

/* Status once the disk is no longer busy. */
static uint8_t
wait_idle(void)
{
	uint32_t since = irq_ticks();
	uint32_t report = nano_seconds_to_ticks(STALL_REPORT_S);
	uint32_t stalled_s = 0;

	for (;;) {
		uint8_t status;

		irq_off();
		status = inb(chan.control);
		if (!(status & STATUS_BUSY)) {
			irq_on();
			return status;
		}
		irq_on_and_wait();
		if (irq_ticks() - since >= report) {
			since += report;
			stalled_s += STALL_REPORT_S;
			say("nano: disk stalled seconds=%u\n", stalled_s);
		}
		nano_serve();
	}
}

static int
outcome(uint8_t status, bool data_wanted)
{
	if (status & (STATUS_ERROR | STATUS_FAULT)) {
		return -1;
	}
	return data_wanted && !(status & STATUS_DATA) ? -1 : 0;
}

static void
command(uint8_t code, uint32_t lba, uint8_t count)
{
	(void)wait_idle();
	outb(chan.base + REG_DRIVE,
	     (uint8_t)(DRIVE_LBA | drive | (lba >> 24 & 0xf)));
	outb(chan.base + REG_COUNT, count);
	outb(chan.base + REG_LBA0, (uint8_t)lba);
	outb(chan.base + REG_LBA1, (uint8_t)(lba >> 8));
	outb(chan.base + REG_LBA2, (uint8_t)(lba >> 16));
	outb(chan.base + REG_COMMAND, code);
}

static bool
probe(const struct channel *c, uint8_t which, uint32_t *ret_sectors)
{
	uint16_t identity[SECTOR_BYTES / 2];
	uint8_t status;

	chan = *c;
	drive = which;
	outb(c->control, 0);
	outb(c->base + REG_DRIVE, (uint8_t)(DRIVE_LBA | which));
	status = inb(c->control);
	if (status == 0 || status == STATUS_FLOATING) {
		return false;
	}
	command(COMMAND_IDENTIFY, 0, 0);
	if (outcome(wait_idle(), true) ||
	    inb(c->base + REG_LBA1) == ATAPI_LBA1) {
		return false;
	}
	data_in(identity);
	*ret_sectors = (uint32_t)identity[IDENTIFY_SECTORS_WORD + 1] << 16 |
		       identity[IDENTIFY_SECTORS_WORD];
	return *ret_sectors > 0;
}

bool
ide_init(uint32_t *ret_sectors)
{
	for (size_t i = 0; i < sizeof(channels) / sizeof(*channels); i++) {
		if (probe(&channels[i], 0, ret_sectors) ||
		    probe(&channels[i], DRIVE_SECOND, ret_sectors)) {
			return true;
		}
	}
	return false;
}

int
ide_read(uint32_t lba, uint8_t sector[SECTOR_BYTES])
{
	command(COMMAND_READ, lba, 1);
	if (outcome(wait_idle(), true)) {
		return -1;
	}
	data_in(sector);
	return 0;
}

int
ide_write(uint32_t lba, const uint8_t sector[SECTOR_BYTES])
{
	command(COMMAND_WRITE, lba, 1);
	if (outcome(wait_idle(), true)) {
		return -1;
	}
	data_out(sector);
	return outcome(wait_idle(), false);
}

int
ide_flush(void)
{
	command(COMMAND_FLUSH, 0, 0);
	return outcome(wait_idle(), false);
}
