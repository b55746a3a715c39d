# SPDX-License-Identifier: GPL-2.0-or-later
# Test bed: PID 1 of a host, and the bed's own test. The test needs root and
# the stock cluster packages.

BED_SRC := tests/cluster/bed
BED_CFLAGS ?= -std=gnu11 -O2 -g -Wall -Wextra -Wpedantic -Wshadow \
	-Wconversion -Wsign-conversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wswitch-enum -Wvla -Wformat=2 -Wundef \
	-Wnull-dereference -Wcast-qual -Wwrite-strings

$(BUILD)/tests/bed-init $(BUILD)/tests/bed-enter: \
		$(BUILD)/tests/bed-%: $(BED_SRC)/bed-%.c
	@mkdir -p $(@D)
	$(CC) $(BED_CFLAGS) $(CPPFLAGS) $(LDFLAGS) -o $@ $<

.PHONY: bed check-bed
bed: $(BUILD)/tests/bed-init $(BUILD)/tests/bed-enter

check-bed: bed
	BUILD=$(BUILD) PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=tests/cluster \
		/usr/bin/python3 -m unittest -v bed.test_bed

CHECKS += check-bed
HELP += "make check-bed: the test bed itself: faults, two beds, nothing left behind"
