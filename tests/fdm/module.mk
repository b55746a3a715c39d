# SPDX-License-Identifier: GPL-2.0-or-later
# What vmha-fdmd reads and writes, without a cluster: real and odd CIBs,
# heartbeatd's answers, tickets. Under sanitizers, as the unit tests.
FDM_TESTS := $(patsubst tests/fdm/%.c,$(BUILD)/tests/fdm/%, \
	$(wildcard tests/fdm/*_test.c))

# What one part asks of the others.
FDM_FAKES := $(BUILD)/tests/fdm/fakes.o
FDM_FAKED := $(patsubst %,$(BUILD)/tests/fdm/%_test, \
	admit door duty ended lapse lease master place plan protect_list stock \
	use)

$(FDM_TESTS:=.o) $(FDM_FAKES): ALL_CPPFLAGS += \
	$(patsubst -I%,-isystem %,$(shell $(PKG_CONFIG) --cflags $(FDM_PKGS)))
$(FDM_TESTS): %: %.o $(LIBS)
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(LIBS) \
		-Wl,--end-group -lcmocka -ljansson -lexpat \
		$(shell $(PKG_CONFIG) --libs $(FDM_PKGS)) -pthread
$(FDM_FAKED): $(FDM_FAKES)
# The master's writing halves, without the daemon around them.
$(BUILD)/tests/fdm/protect_list_test: $(FDM_DIR)/grant.o \
	$(FDM_DIR)/protect_list.o
$(BUILD)/tests/fdm/master_test: $(FDM_DIR)/grant.o $(FDM_DIR)/election.o
$(BUILD)/tests/fdm/lease_test: $(FDM_DIR)/master.o
$(BUILD)/tests/fdm/duty_test: $(FDM_DIR)/duty.o
$(BUILD)/tests/fdm/attr_test: $(FDM_DIR)/attr.o
$(BUILD)/tests/fdm/ended_test: $(FDM_DIR)/ended.o $(FDM_DIR)/grant.o
$(BUILD)/tests/fdm/admit_test $(BUILD)/tests/fdm/door_test \
$(BUILD)/tests/fdm/place_test: \
	$(FDM_DIR)/admit.o $(FDM_DIR)/admit_place.o $(FDM_DIR)/admit_runs.o \
	$(FDM_DIR)/admit_door.o $(FDM_DIR)/admit_answer.o \
	$(FDM_DIR)/admit_tell.o $(FDM_DIR)/use_judge.o
$(BUILD)/tests/fdm/admit_test: $(FDM_DIR)/grant.o
# What a host uses, with the daemon's own thread.
$(BUILD)/tests/fdm/use_test: $(FDM_DIR)/use.o $(FDM_DIR)/use_judge.o \
	$(FDM_DIR)/attr.o $(FDM_DIR)/found_look.o
$(BUILD)/tests/fdm/plan_test: $(FDM_DIR)/prefer.o $(FDM_DIR)/prefer_plan.o
$(BUILD)/tests/fdm/plan_test: private ALL_LDFLAGS += \
	-Wl,--wrap=ha_clock_now_ms
# An application's channel, with a real socket.
$(BUILD)/tests/fdm/ready_test: $(FDM_DIR)/ready_listen.o
$(BUILD)/tests/fdm/lapse_test: $(FDM_DIR)/waits.o
$(BUILD)/tests/fdm/pending_test: $(FDM_DIR)/pending.o $(FDM_DIR)/duty.o
$(BUILD)/tests/fdm/restarted_test: $(FDM_DIR)/restarted.o

fdm-tests: $(FDM_TESTS)

check-fdm:
	+$(ASAN_MAKE) fdm-tests
	tests/unit/run.sh $(patsubst $(BUILD)/%,$(ASAN_BUILD)/%,$(FDM_TESTS))

CHECKS += check-fdm
HELP += "make check-fdm: how the fault domain manager reads CIB and lists"

.PHONY: fdm-tests
