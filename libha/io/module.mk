# SPDX-License-Identifier: LGPL-2.1-or-later
# The only code that talks to the outside: one archive per thing, so that a
# program links only what it uses. (libvirt's own module has its own file.)
HA_IO := proc qmp record hostcap hostconf hypervisor vmlist worker \
	disk watchdog corosync ipc
$(foreach m,$(HA_IO),$(eval $(BUILD)/libha/libha-io-$(m).a: $(call objs,libha/io/$(m))))
HA_IO_PROC := $(BUILD)/libha/libha-io-proc.a
HA_IO_QMP := $(BUILD)/libha/libha-io-qmp.a
HA_IO_RECORD := $(BUILD)/libha/libha-io-record.a
HA_IO_HOSTCAP := $(BUILD)/libha/libha-io-hostcap.a
HA_IO_HOSTCONF := $(BUILD)/libha/libha-io-hostconf.a
HA_IO_HYPERVISOR := $(BUILD)/libha/libha-io-hypervisor.a
HA_IO_VMLIST := $(BUILD)/libha/libha-io-vmlist.a
HA_IO_WORKER := $(BUILD)/libha/libha-io-worker.a
# What a program that links one of these adds: -laio (disk), -lcpg -lquorum
# -lvotequorum -lcmap (corosync), -ljansson (ipc).
HA_IO_DISK := $(BUILD)/libha/libha-io-disk.a
HA_IO_WATCHDOG := $(BUILD)/libha/libha-io-watchdog.a
HA_IO_COROSYNC := $(BUILD)/libha/libha-io-corosync.a
HA_IO_IPC := $(BUILD)/libha/libha-io-ipc.a
LIBS += $(HA_IO_PROC) $(HA_IO_QMP) $(HA_IO_RECORD) $(HA_IO_HOSTCONF) \
	$(HA_IO_HOSTCAP) \
	$(HA_IO_HYPERVISOR) $(HA_IO_VMLIST) $(HA_IO_WORKER) \
	$(HA_IO_DISK) $(HA_IO_WATCHDOG) $(HA_IO_COROSYNC) $(HA_IO_IPC)
