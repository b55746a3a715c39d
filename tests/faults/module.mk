# SPDX-License-Identifier: GPL-2.0-or-later
# Faults made real for the test bed: storage that is slow, hangs, fails or
# lies (faultfs), and a watchdog that resets a host (wdt). FUSE servers, built
# for tests only; make check-faults wants root.

FAULTS_DIR := tests/faults
FAULTS_OUT := $(BUILD)/tests/faults
FAULTS_CFLAGS = -std=gnu11 $(OPTIMISE) $(WARNINGS) -Itests/faults -D_GNU_SOURCE \
	-D_FILE_OFFSET_BITS=64
FAULTS_LIBS = $(shell $(PKG_CONFIG) --libs fuse3) -pthread
FAULTS_PROGRAMS := $(FAULTS_OUT)/faultfs $(FAULTS_OUT)/wdt

.PHONY: faults check-faults
faults: $(FAULTS_PROGRAMS)

$(FAULTS_OUT)/%.o: $(FAULTS_DIR)/%.c
	@mkdir -p $(@D)
	$(CC) $(FAULTS_CFLAGS) $(CPPFLAGS) -MMD -MP -c -o $@ $<

$(FAULTS_OUT)/faultfs: $(addprefix $(FAULTS_OUT)/,\
		faultfs.o faultfile.o rules.o control.o hostmount.o)
	$(CC) $(LDFLAGS) -o $@ $^ $(FAULTS_LIBS)

$(FAULTS_OUT)/wdt: $(FAULTS_OUT)/wdt.o $(FAULTS_OUT)/wdtlog.o \
		$(FAULTS_OUT)/hostmount.o
	$(CC) $(LDFLAGS) -o $@ $^ $(FAULTS_LIBS)

check-faults: bed faults
	BUILD=$(abspath $(BUILD)) PYTHONDONTWRITEBYTECODE=1 \
		PYTHONPATH=tests:tests/cluster:tests/faults \
		$(PYTHON) -m unittest -v test_faults

CHECKS += check-faults
HELP += "make check-faults: the faults of the test bed: storage, watchdog"
