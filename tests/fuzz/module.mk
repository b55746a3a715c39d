# SPDX-License-Identifier: GPL-2.0-or-later
# Each tests/fuzz/NAME_fuzz.c is a libFuzzer target with its seeds in
# tests/fuzz/corpus/NAME. `make fuzz` searches (clang); check-fuzz replays the
# seeds and every input that ever failed, with a driver of our own, so that it
# runs wherever the unit tests do.

FUZZ_SECONDS ?= 30
FUZZ_NAMES := $(patsubst tests/fuzz/%_fuzz.c,%,$(wildcard tests/fuzz/*_fuzz.c))
FUZZ_BUILD := $(BUILD)/fuzz
FUZZ_REPLAYS := $(FUZZ_NAMES:%=$(BUILD)/tests/fuzz/%_replay)
FUZZ_TARGETS := $(FUZZ_NAMES:%=$(BUILD)/tests/fuzz/%_fuzz)
FUZZ_LINK = -Wl,--start-group $(LIBS) -Wl,--end-group -lexpat -ljansson \
	-lglib-2.0 -pthread -ldl

$(FUZZ_REPLAYS): %_replay: %_fuzz.o $(BUILD)/tests/fuzz/replay.o $(LIBS)
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(FUZZ_LINK)

$(FUZZ_TARGETS): %: %.o $(LIBS)
	$(CC) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $< $(FUZZ_LINK)

fuzz-replays: $(FUZZ_REPLAYS)
fuzz-targets: $(FUZZ_TARGETS)

fuzz:
	+$(MAKE) --no-print-directory BUILD=$(FUZZ_BUILD) CC=clang \
		SANITIZE="-fsanitize=fuzzer-no-link,address,undefined \
		-fno-sanitize-recover=all" CFLAGS="-O1 -g" fuzz-targets
	tests/fuzz/fuzz.sh $(FUZZ_BUILD) $(FUZZ_SECONDS) $(FUZZ_NAMES)

check-fuzz:
	+$(ASAN_MAKE) fuzz-replays
	@failed=0; for name in $(FUZZ_NAMES); do \
		timeout 60 $(ASAN_BUILD)/tests/fuzz/$${name}_replay \
			tests/fuzz/corpus/$$name || failed=$$((failed + 1)); \
	done; \
	echo "$$(($(words $(FUZZ_NAMES)) - failed)) passed, $$failed failed"; \
	[ $$failed -eq 0 ]

CHECKS += check-fuzz
HELP += "make fuzz: every parser under libFuzzer, FUZZ_SECONDS=30 each (clang)" \
	"make check-fuzz: replays the fuzzers' inputs, tests/fuzz/corpus"

.PHONY: fuzz fuzz-replays fuzz-targets
