// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The CMOS clock as seconds since 1970. It follows the host's clock even
 * while the guest is paused, which makes it the guest's only way to see that
 * time passed without it. Resolution is one second; anything finer is
 * measured from the host side.
 */
#include "nano.h"

#define CMOS_INDEX 0x70
#define CMOS_DATA 0x71
#define RTC_SECOND 0x00
#define RTC_MINUTE 0x02
#define RTC_HOUR 0x04
#define RTC_DAY 0x07
#define RTC_MONTH 0x08
#define RTC_YEAR 0x09
#define RTC_STATUS_A 0x0a
#define RTC_STATUS_B 0x0b
#define A_UPDATING 0x80
#define B_24_HOURS 0x02
#define B_BINARY 0x04
#define HOUR_PM 0x80
#define CENTURY_BASE 2000u
#define UPDATE_SPINS 100000u
#define READ_ATTEMPTS 4

#define DAYS_1970_TO_2000 10957u
#define DAY_S 86400u

static uint8_t
cmos(uint8_t reg)
{
	outb(CMOS_INDEX, reg);
	return inb(CMOS_DATA);
}

struct clock {
	uint8_t second, minute, hour, day, month, year;
};

static struct clock
clock_read(void)
{
	for (uint32_t i = 0; i < UPDATE_SPINS; i++) {
		if (!(cmos(RTC_STATUS_A) & A_UPDATING)) {
			break;
		}
	}
	return (struct clock){
		.second = cmos(RTC_SECOND),
		.minute = cmos(RTC_MINUTE),
		.hour = cmos(RTC_HOUR),
		.day = cmos(RTC_DAY),
		.month = cmos(RTC_MONTH),
		.year = cmos(RTC_YEAR),
	};
}

static uint32_t
number(uint8_t v, bool binary)
{
	return binary ? v : (v >> 4) * 10u + (v & 0xfu);
}

static uint32_t
days_since_2000(uint32_t year, uint32_t month, uint32_t day)
{
	static const uint16_t before[12] = { 0,   31,  59,  90,  120, 151,
					     181, 212, 243, 273, 304, 334 };
	uint32_t y = year - CENTURY_BASE;
	uint32_t days = y * 365 + (y + 3) / 4 + before[(month - 1) % 12];

	/* 2000 to 2099: each fourth year is a leap year */
	if (y % 4 == 0 && month > 2) {
		days++;
	}
	return days + day - 1;
}

uint64_t
rtc_read_s(void)
{
	struct clock c = clock_read(), again;
	uint8_t status = cmos(RTC_STATUS_B);
	bool binary = status & B_BINARY;
	uint32_t hour, days;

	/* twice the same, or an update ran between two registers */
	for (int i = 0; i < READ_ATTEMPTS; i++) {
		again = clock_read();
		if (!memcmp(&c, &again, sizeof(c))) {
			break;
		}
		c = again;
	}
	hour = number(c.hour & (uint8_t)~HOUR_PM, binary);
	if (!(status & B_24_HOURS)) {
		hour = hour % 12 + (c.hour & HOUR_PM ? 12 : 0);
	}
	days = days_since_2000(CENTURY_BASE + number(c.year, binary),
			       number(c.month, binary), number(c.day, binary));
	return (uint64_t)(DAYS_1970_TO_2000 + days) * DAY_S + hour * 3600u +
	       number(c.minute, binary) * 60u + number(c.second, binary);
}
