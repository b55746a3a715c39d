# SPDX-License-Identifier: LGPL-2.1-or-later
# The one module that links libvirt. Agents dlopen() it when they need it, so
# its 57 libraries cost nothing on the periodic path. -z nodelete: see
# module.c.

HV_PKGS := libvirt libvirt-qemu libxml-2.0
HV_MODULE := $(BUILD)/libexec/vmha-libvirt.so
HV_OBJS := $(call objs,libha/io/libvirt)

$(HV_OBJS): ALL_CPPFLAGS += $(shell $(PKG_CONFIG) --cflags $(HV_PKGS))
$(HV_OBJS): ALL_CFLAGS += -fvisibility=hidden

$(HV_MODULE): $(HV_OBJS) $(HA_IO_CLOCK) $(HA_CODEC) $(HA_BASE)
	@mkdir -p $(@D)
	$(CC) -shared $(LDFLAGS) $(SANITIZE) -Wl,--exclude-libs,ALL \
		-Wl,-z,nodelete -Wl,-z,defs -o $@ $(filter %.o %.a,$^) \
		$(shell $(PKG_CONFIG) --libs $(HV_PKGS)) -lexpat -pthread

PROGRAMS += $(HV_MODULE)

install-libvirt-module: $(HV_MODULE)
	$(INSTALL) -D -m 0644 $(HV_MODULE) \
		$(DESTDIR)$(LIBEXECDIR)/vmha-libvirt.so

INSTALLS += install-libvirt-module
