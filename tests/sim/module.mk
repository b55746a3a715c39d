# SPDX-License-Identifier: GPL-2.0-or-later
# Heartbeats and the lock on virtual time: the real libha/core, thousands of
# schedules a second. check-sim also switches each rule off and wants to see
# that it is missed.

SIM_SEEDS := 5000
SEEDS ?= 1000000
SIM := $(BUILD)/tests/sim/vmha-sim

$(SIM): $(call objs,tests/sim) $(HA_CORE) $(HA_BASE)
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(HA_CORE) $(HA_BASE)

check-sim: $(SIM)
	$(SIM) --seeds $(SIM_SEEDS)
	$(SIM) --prove

soak-sim: $(SIM)
	$(SIM) --seeds $(SEEDS)

CHECKS += check-sim
HELP += "make check-sim: the heartbeat protocol, simulated; each rule is missed" \
	"           when it is off" \
	"make soak-sim: SEEDS=1000000 schedules of it"

.PHONY: soak-sim
