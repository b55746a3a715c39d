# SPDX-License-Identifier: GPL-2.0-or-later
# Heartbeats and the lock on virtual time: the real libha/core, thousands of
# schedules a second. check-sim also switches each rule off and wants to see
# that it is missed.

SIM_SEEDS := 5000
SEEDS ?= 1000000
SIM := $(BUILD)/tests/sim/vmha-sim

# Restarts are judged by vmha-fdmd's own code.
SIM_ARCHIVES = $(FDM_FACTS) $(FDM_RESPONDER) $(HA_IO_VMLIST) $(HA_IO_IPC) \
	$(HA_PARAMS) $(HA_CODEC) $(HA_CORE) $(HA_IO_CLOCK) $(HA_BASE)
$(patsubst %,$(BUILD)/tests/sim/%.o,restart_facts restart_list restart_write \
	restart_elect): ALL_CPPFLAGS += \
	$(patsubst -I%,-isystem %,$(shell $(PKG_CONFIG) --cflags $(FDM_PKGS)))
$(SIM): $(call objs,tests/sim) $(SIM_ARCHIVES)
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) \
		-Wl,--start-group $(SIM_ARCHIVES) -Wl,--end-group \
		$(shell $(PKG_CONFIG) --libs glib-2.0 libxml-2.0) \
		-lexpat -ljansson -pthread

check-sim: $(SIM)
	$(SIM) --seeds $(SIM_SEEDS)
	$(SIM) --prove

soak-sim: $(SIM)
	$(SIM) --seeds $(SEEDS)

CHECKS += check-sim
HELP += "make check-sim: heartbeats, lock and restarts, simulated; each rule is missed" \
	"           when it is off" \
	"make soak-sim: SEEDS=1000000 schedules of it"

.PHONY: soak-sim
