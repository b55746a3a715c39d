# SPDX-License-Identifier: GPL-2.0-or-later
# What monitor costs, beside ocf:heartbeat:VirtualDomain, in one run; and what
# the heartbeat costs, beside the least that it could. Needs root, a cluster
# stack, resource-agents and strace; sbd is compared with where it is there.
# Part of no check, since a busy machine spoils the figures.
#
#   make bench-monitor BENCH="--runs 50 --slow-runs 5 --timeout 10"
#   make bench-beats BEATS="--seconds 120"
#   make bench-500 VMS=50 MANY="--repeat 3 vmha ungated dummy"
#   make bench-500 VMS=60 MANY="--no-idle --dc --fail 5 vmha"  (many.py --help)

BENCH ?=
BEATS ?=
BENCH_OUT := $(BUILD)/bench
BENCH_STAGE := $(BENCH_OUT)/stage
BENCH_PROGRAMS := $(BENCH_OUT)/runner $(BENCH_OUT)/floor \
	$(BENCH_OUT)/floor-libs $(BENCH_OUT)/beat-floor

.PHONY: bench bench-stage bench-monitor bench-beats bench-500 many-stage
bench: bench-monitor bench-beats

bench-stage: build guest bed $(BENCH_PROGRAMS)
	rm -rf $(BENCH_STAGE)
	$(MAKE) --no-print-directory -s install PREFIX=/usr \
		DESTDIR=$(abspath $(BENCH_STAGE))

bench-monitor: bench-stage
	BUILD=$(abspath $(BUILD)) $(PYTHON) -B tests/bench/bench.py \
		--stage $(abspath $(BENCH_STAGE)) \
		--nano $(abspath $(NANO_ELF)) \
		--runner $(BENCH_OUT)/runner --floor $(BENCH_OUT)/floor \
		--floor-libs $(BENCH_OUT)/floor-libs \
		--json $(BENCH_OUT)/monitor.json $(BENCH)

bench-beats: bench-stage faults
	BUILD=$(abspath $(BUILD)) $(PYTHON) -B tests/bench/beats.py \
		--stage $(abspath $(BENCH_STAGE)) \
		--runner $(BENCH_OUT)/runner --floor $(BENCH_OUT)/floor \
		--beat-floor $(BENCH_OUT)/beat-floor \
		--json $(BENCH_OUT)/beats.json $(BEATS)

# Hundreds of VMs: what is installed, but with processes in the place of
# QEMUs. In a stage of its own, so that nothing else ever loads them.
VMS ?= 500
MANY ?=
MANY_STAGE := $(BENCH_OUT)/many-stage
MANY_QEMU := $(BENCH_OUT)/vmha-dummy-qemu
MANY_MODULE := $(BENCH_OUT)/many-libvirt.so

many-stage: build bed faults $(MANY_QEMU) $(MANY_MODULE)
	rm -rf $(MANY_STAGE)
	$(MAKE) --no-print-directory -s install PREFIX=/usr \
		LIBEXECDIR=/usr/libexec/vmha \
		OCFDIR=/usr/lib/ocf/resource.d/vmha \
		DESTDIR=$(abspath $(MANY_STAGE))
	$(INSTALL) -m 0755 $(MANY_QEMU) $(MANY_STAGE)/usr/libexec/vmha/
	$(INSTALL) -m 0644 $(MANY_MODULE) \
		$(MANY_STAGE)/usr/libexec/vmha/vmha-libvirt.so

bench-500: many-stage
	BUILD=$(abspath $(BUILD)) MANY_STAGE=$(abspath $(MANY_STAGE)) \
		$(PYTHON) -B tests/bench/many.py --vms $(VMS) \
		--json $(BENCH_OUT)/many.json $(MANY)

$(MANY_QEMU): $(BUILD)/tests/bench/dummy_qemu.o
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^
$(BUILD)/tests/bench/hv_dummy.o: ALL_CFLAGS += -fvisibility=hidden
$(MANY_MODULE): $(BUILD)/tests/bench/hv_dummy.o $(HA_IO_QMP) $(HA_IO_PROC) \
		$(HA_IO_CLOCK) $(HA_CODEC) $(HA_BASE)
	@mkdir -p $(@D)
	$(CC) -shared $(LDFLAGS) $(SANITIZE) -Wl,--exclude-libs,ALL \
		-Wl,-z,defs -o $@ $(filter %.o %.a,$^) -lexpat -ljansson

$(BENCH_OUT)/runner: $(BUILD)/tests/bench/runner.o
$(BENCH_OUT)/floor: $(BUILD)/tests/bench/floor.o
$(BENCH_OUT)/floor-libs: $(BENCH_OUT)/floor-libs.o
$(BENCH_OUT)/beat-floor: $(BUILD)/tests/bench/beat_floor.o
$(BENCH_PROGRAMS):
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(BENCH_LIBS)
$(BENCH_OUT)/floor-libs: BENCH_LIBS := -lexpat -ljansson
$(BENCH_OUT)/floor-libs.o: tests/bench/floor.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) -DFLOOR_LIBS $(ALL_CFLAGS) -c -o $@ $<

HELP += "make bench: what monitor costs, beside VirtualDomain; what a beat \
and fence_vmha cost (root)" \
	"make bench-500: a host dies under so many VMs, dummies of a \
hypervisor; vmha beside Pacemaker alone (root, VMS=500 MANY='vmha dummy')"
