# SPDX-License-Identifier: GPL-2.0-or-later
# The OCF agents. Each is one program that links libc, and at most a small
# parser, on its periodic path; libvirt stays behind dlopen.

AGENT_RUNTIME := $(BUILD)/agents/libagent.a
$(AGENT_RUNTIME): $(call objs,agents/runtime)
LIBS += $(AGENT_RUNTIME)

include $(wildcard agents/*/module.mk)
