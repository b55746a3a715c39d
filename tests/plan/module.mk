# SPDX-License-Identifier: GPL-2.0-or-later
# The failure planner against an exact solver (GLPK), and planted clusters of
# 1000 hosts. check-plan takes some of the clusters, soak-plan all of them.

PLAN_QUICK := 600
CLUSTERS ?= 12000
PLAN_FLAVOURS := tests/data/azure-v1-flavor/flavours.txt
PLAN_ORACLE := $(BUILD)/tests/plan/oracle
PLAN_BIG := $(BUILD)/tests/plan/big

$(PLAN_ORACLE): $(BUILD)/tests/plan/oracle.o $(HA_CORE) $(HA_BASE)
	$(CC) $(ALL_LDFLAGS) -o $@ $< $(HA_CORE) $(HA_BASE) -lglpk -lcmocka

$(PLAN_BIG): $(BUILD)/tests/plan/big.o $(HA_CORE) $(HA_BASE)
	$(CC) $(ALL_LDFLAGS) -o $@ $< $(HA_CORE) $(HA_BASE)

# Against Pacemaker's own scheduler.
PLAN_TARGETS := $(BUILD)/tests/plan/pacemaker
PLAN_TARGETS_QUICK := 24
PLAN_TARGETS_OBJS := $(patsubst %,$(BUILD)/tests/plan/%.o,pacemaker cluster)
$(PLAN_TARGETS_OBJS): ALL_CPPFLAGS += \
	$(patsubst -I%,-isystem %,$(shell $(PKG_CONFIG) --cflags $(FDM_PKGS)))
$(PLAN_TARGETS): $(PLAN_TARGETS_OBJS) $(FDM_FACTS) $(HA_CODEC) $(HA_CORE) \
		$(HA_BASE)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ -ljansson \
		$(shell $(PKG_CONFIG) --libs $(FDM_PKGS))

check-targets: $(PLAN_TARGETS)
	@mkdir -p $(BUILD)/tests/plan/check
	timeout 240 $(PLAN_TARGETS) $(PLAN_FLAVOURS) $(PLAN_TARGETS_QUICK) \
		$(BUILD)/tests/plan/check

soak-targets: CLUSTERS := $(if $(filter command line,$(origin CLUSTERS)),$(CLUSTERS),500)
soak-targets: $(PLAN_TARGETS)
	@mkdir -p $(BUILD)/tests/plan/soak
	$(PLAN_TARGETS) $(PLAN_FLAVOURS) $(CLUSTERS) $(BUILD)/tests/plan/soak

check-plan: $(PLAN_ORACLE) $(PLAN_BIG)
	$(PLAN_BIG) planted
	timeout 240 $(PLAN_ORACLE) $(PLAN_FLAVOURS) $(PLAN_QUICK)

soak-plan: $(PLAN_ORACLE) $(PLAN_BIG)
	$(PLAN_BIG) planted
	$(PLAN_ORACLE) $(PLAN_FLAVOURS) $(CLUSTERS)

# The daemon's part of it.
PLAN_TURNS := $(BUILD)/tests/plan/turns
$(PLAN_TURNS).o: ALL_CPPFLAGS += \
	$(patsubst -I%,-isystem %,$(shell $(PKG_CONFIG) --cflags $(FDM_PKGS)))
$(PLAN_TURNS): $(PLAN_TURNS).o $(FDM_DIR)/prefer_plan.o $(LIBS)
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(LIBS) \
		-Wl,--end-group -ljansson -lexpat \
		$(shell $(PKG_CONFIG) --libs $(FDM_PKGS)) -pthread

# Timings beside the goals: no check, machines are noisy.
bench-plan: $(PLAN_BIG) $(PLAN_TURNS)
	$(PLAN_BIG) bench
	$(PLAN_TURNS)

CHECKS += check-plan check-targets
HELP += "make check-plan: the failure planner against GLPK; planted clusters" \
	"make soak-plan: CLUSTERS=12000 of them" \
	"make check-targets: what Pacemaker makes of the plan (crm_simulate)" \
	"make soak-targets: CLUSTERS=500 of them" \
	"make bench-plan: what a plan costs, beside its goals"

.PHONY: soak-plan soak-targets bench-plan
