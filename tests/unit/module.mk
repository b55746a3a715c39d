# SPDX-License-Identifier: GPL-2.0-or-later
# Unit tests: each tests/unit/NAME_test.c is a cmocka program that links every
# archive of the project. check-unit builds the whole tree again under
# $(BUILD)/asan with sanitizers, since a test that passes on memory it does
# not own proves nothing.

SANITIZE_ALL := -fsanitize=address,undefined -fno-sanitize-recover=all
ASAN_BUILD := $(BUILD)/asan
# Sanitizers and _FORTIFY_SOURCE don't like each other.
ASAN_MAKE = $(MAKE) --no-print-directory BUILD=$(ASAN_BUILD) \
	SANITIZE="$(SANITIZE_ALL)" \
	CFLAGS="-O1 -g -fno-omit-frame-pointer -fstack-protector-strong"

UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%, \
	$(wildcard tests/unit/*_test.c))

$(UNIT_TESTS): %: %.o $(LIBS)
	$(CC) $(ALL_LDFLAGS) -o $@ $< -Wl,--start-group $(LIBS) \
		-Wl,--end-group -lcmocka -lexpat -ljansson -laio -lglib-2.0 \
		-pthread -ldl $(UNIT_EXTRA)

# Reads the CIB as vmha-fdmd does.
UNIT_WAITS := $(BUILD)/tests/unit/waits_test \
	$(BUILD)/tests/unit/waits_config_test $(BUILD)/tests/unit/waits_lost_test
$(UNIT_WAITS): UNIT_EXTRA = \
	$(shell $(PKG_CONFIG) --libs $(FDM_PKGS))
$(UNIT_WAITS:=.o): ALL_CPPFLAGS += \
	$(patsubst -I%,-isystem %,$(shell $(PKG_CONFIG) --cflags $(FDM_PKGS)))

unit-tests: $(UNIT_TESTS)

asan:
	+$(ASAN_MAKE) build unit-tests

check-unit:
	+$(ASAN_MAKE) unit-tests
	tests/unit/run.sh $(patsubst $(BUILD)/%,$(ASAN_BUILD)/%,$(UNIT_TESTS))

CHECKS += check-unit
HELP += "make check-unit: the unit tests, under address and undefined" \
	"           behaviour sanitizers" \
	"make asan: everything, built with sanitizers, below $(ASAN_BUILD)"

.PHONY: unit-tests asan
