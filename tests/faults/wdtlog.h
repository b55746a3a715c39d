/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log of the watchdog emulator: one line per event, "BOOTTIME_MS TEXT".
 */
#ifndef FAULTS_WDTLOG_H
#define FAULTS_WDTLOG_H

#include <stdint.h>

#define MS_PER_S 1000
#define NS_PER_MS 1000000

/* CLOCK_BOOTTIME. */
uint64_t boottime_ms(void);
/* Appends to the file; negative errno. */
int wdtlog_open(const char *path);
/* Before the process ends: waits a moment for the last lines. */
void wdtlog_end(void);
void wdtlog(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
