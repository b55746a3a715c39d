# SPDX-License-Identifier: GPL-2.0-or-later
# The bare-metal guest of the cluster tests and its own test. It needs only
# "gcc -m32" as a code generator: no 32-bit libc, no libgcc, no multilib.

NANO_DIR := tests/cluster/guest
NANO_OUT := $(BUILD)/tests/guest
NANO_ELF := $(NANO_OUT)/nano.elf
NANO_CC ?= $(CC)
NANO_LD ?= ld

NANO_CFLAGS := -std=gnu11 -O2 -g0 -m32 -march=i686 -mno-sse -mno-mmx \
	-ffreestanding -fno-pic -fno-pie -fno-stack-protector \
	-fno-asynchronous-unwind-tables -fcf-protection=none \
	-fno-strict-aliasing \
	-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion \
	-Wstrict-prototypes -Wmissing-prototypes -Wswitch-enum -Wvla \
	-Wformat=2 -Wundef -Wnull-dereference -Wcast-qual -Wwrite-strings

NANO_OBJECTS := $(patsubst %,$(NANO_OUT)/%.o,\
	boot lib irq serial rtc ide power channel options witness takeover nano)

CHECKS += check-guest
HELP += "make guest: the test guest, build/tests/guest/nano.elf" \
	"make check-guest: the guest under QEMU, and that its witness can fail"

.PHONY: guest check-guest
guest: $(NANO_ELF)

$(NANO_OUT)/%.o: $(NANO_DIR)/%.c
	@mkdir -p $(@D)
	$(NANO_CC) $(NANO_CFLAGS) -MMD -MP -c -o $@ $<

$(NANO_OUT)/%.o: $(NANO_DIR)/%.S
	@mkdir -p $(@D)
	$(NANO_CC) $(NANO_CFLAGS) -MMD -MP -c -o $@ $<

$(NANO_ELF): $(NANO_OBJECTS) $(NANO_DIR)/nano.lds
	$(NANO_LD) -m elf_i386 -static -nostdlib --build-id=none \
		-z max-page-size=4096 -T $(NANO_DIR)/nano.lds -o $@ $(NANO_OBJECTS)

check-guest: $(NANO_ELF)
	NANO_ELF=$(abspath $(NANO_ELF)) \
		$(or $(PYTHON),/usr/bin/python3) $(NANO_DIR)/test_guest.py

-include $(NANO_OBJECTS:.o=.d)
