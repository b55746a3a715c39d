# SPDX-License-Identifier: GPL-2.0-or-later
# What monitor costs, beside ocf:heartbeat:VirtualDomain, in one run. Needs
# root, a cluster stack, resource-agents and strace; part of no check, since a
# busy machine spoils the figures.
#
#   make bench BENCH="--runs 50 --slow-runs 5 --timeout 10"

BENCH ?=
BENCH_OUT := $(BUILD)/bench
BENCH_STAGE := $(BENCH_OUT)/stage
BENCH_PROGRAMS := $(BENCH_OUT)/runner $(BENCH_OUT)/floor \
	$(BENCH_OUT)/floor-libs

.PHONY: bench
bench: build $(NANO_ELF) bed $(BENCH_PROGRAMS)
	rm -rf $(BENCH_STAGE)
	$(MAKE) --no-print-directory -s install PREFIX=/usr \
		DESTDIR=$(abspath $(BENCH_STAGE))
	BUILD=$(abspath $(BUILD)) $(PYTHON) -B tests/bench/bench.py \
		--stage $(abspath $(BENCH_STAGE)) \
		--nano $(abspath $(NANO_ELF)) \
		--runner $(BENCH_OUT)/runner --floor $(BENCH_OUT)/floor \
		--floor-libs $(BENCH_OUT)/floor-libs \
		--json $(BENCH_OUT)/monitor.json $(BENCH)

$(BENCH_OUT)/runner: $(BUILD)/tests/bench/runner.o
$(BENCH_OUT)/floor: $(BUILD)/tests/bench/floor.o
$(BENCH_OUT)/floor-libs: $(BENCH_OUT)/floor-libs.o
$(BENCH_PROGRAMS):
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(BENCH_LIBS)
$(BENCH_OUT)/floor-libs: BENCH_LIBS := -lexpat -ljansson
$(BENCH_OUT)/floor-libs.o: tests/bench/floor.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) -DFLOOR_LIBS $(ALL_CFLAGS) -c -o $@ $<

HELP += "make bench: what monitor costs, beside VirtualDomain (needs root)"
