# SPDX-License-Identifier: GPL-2.0-or-later
#
# vmha: plain GNU make, one pass over the whole tree. Each folder says in its
# module.mk what it builds; rules and flags stand here, once. All output goes
# below $(BUILD).
#
#   make            programs, agents, man pages
#   make deps       installs what is missing (apt-get or dnf), says what and why
#   make demo       a three-host cluster on this machine, a killed host, a VM
#                   that comes back (needs root)
#   make check      every test: unit (sanitizers), agents, real cluster
#   make help       all targets

MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
SHELL := /bin/bash

VERSION := $(shell cat VERSION)
BUILD ?= build
ifeq ($(strip $(BUILD)),)
$(error BUILD is empty: name a folder, or leave it out)
endif
# One spelling of it: objects remember their headers by their own path.
override BUILD := $(patsubst $(CURDIR)/%,%,$(abspath $(BUILD)))
PREFIX ?= /usr
DESTDIR ?=
LIBEXECDIR ?= $(PREFIX)/libexec/vmha
OCFDIR ?= $(PREFIX)/lib/ocf/resource.d/vmha
MANDIR ?= $(PREFIX)/share/man
SYSCONFDIR ?= /etc

ifeq ($(origin CC),default)
CC := gcc
endif
AR ?= ar
PKG_CONFIG ?= pkg-config
CLANG_FORMAT ?= clang-format
INSTALL ?= install
PYTHON ?= /usr/bin/python3

# -Werror where the code is judged (CI), not where a user builds it with a
# compiler of next year.
WERROR ?=
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion \
	-Wstrict-prototypes -Wmissing-prototypes -Wswitch-enum -Wvla \
	-Wformat=2 -Wundef -Wnull-dereference -Wcast-qual -Wwrite-strings \
	$(if $(WERROR),-Werror)
# _FORTIFY_SOURCE only with optimisation, or libc warns.
HARDENING := -fstack-protector-strong -D_FORTIFY_SOURCE=2 \
	-fstack-clash-protection
OPTIMISE ?= -O2 -g
CFLAGS ?= $(OPTIMISE) $(HARDENING)
LDFLAGS ?= -Wl,-z,relro,-z,now -Wl,--as-needed
SANITIZE ?=

ALL_CPPFLAGS = -Ilibha/include -Iagents -Ifencing -Ilibha -D_GNU_SOURCE \
	-DVMHA_VERSION='"$(VERSION)"' -DVMHA_LIBEXECDIR='"$(LIBEXECDIR)"' \
	$(CPPFLAGS)
ALL_CFLAGS = -std=gnu11 -fPIC $(WARNINGS) $(CFLAGS) $(SANITIZE)
# Agents are position independent executables, like the distributions' own.
ALL_LDFLAGS = -pie $(LDFLAGS) $(SANITIZE)

# What the module.mk files add to.
LIBS :=        # static archives
PROGRAMS :=    # what plain `make` builds
CHECKS :=      # check-* targets, in order
INSTALLS :=    # install-* targets
LINTS :=       # lint-* targets
HELP :=        # "target: text" lines

all: build

include libha/module.mk
include agents/module.mk
include $(wildcard fencing/module.mk tools/module.mk)
include $(wildcard tests/module.mk tests/*/module.mk tests/*/*/module.mk)
include $(wildcard docs/module.mk packaging/module.mk)

build: $(PROGRAMS)

# An archive per layer: objects of SRCS_name become libha-name.a (libha) or
# whatever the module names.
$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/%.a:
	@mkdir -p $(@D)
	rm -f $@
	$(AR) rcs $@ $(filter %.o,$^)

# A target that is named by its whole path is the one that has the rules.
ifeq ($(filter /%,$(BUILD)),)
$(CURDIR)/$(BUILD)/%: $(BUILD)/% ;
endif

# Installs what it needs, then one part after the other, whatever fails:
# a summary at the end says how long each took.
check:
	packaging/deps build check
	+@VMHA_LOGS=$(BUILD)/check tests/run-parts $(MAKE) build $(CHECKS)

# All of them, whatever fails, like check.
lint:
	+@$(MAKE) --no-print-directory -k run-lints
run-lints: $(LINTS)

install: build $(INSTALLS)

clean:
	rm -rf $(BUILD)

help:
	@sed -n 's/^#   \(make.*\)/\1/p; s/^#\( \{19\}.*\)/\1/p' Makefile; \
	printf '%s\n' $(HELP)

.PHONY: all build check lint run-lints install clean help $(CHECKS) $(LINTS) $(INSTALLS)

-include $(shell cd $(BUILD) 2>/dev/null && find libha agents fencing tools tests \
	-name '*.d' -type f -printf '$(BUILD)/%p ' 2>/dev/null)
