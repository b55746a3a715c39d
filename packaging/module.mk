# SPDX-License-Identifier: GPL-2.0-or-later
# What is installed beside the programs, and the packages made of it. Paths
# follow the field: drop-in of resource-agents-deps.target, ocft configs and
# crm scripts where their tools look for them.

LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
UNITDIR ?= /lib/systemd/system
# Where a service's environment file lives: /etc/default on Debian,
# /etc/sysconfig on Fedora and RHEL.
ENVDIR ?= $(SYSCONFDIR)/default
TMPFILESDIR ?= $(PREFIX)/lib/tmpfiles.d
OCFTDIR ?= $(PREFIX)/share/resource-agents/ocft/configs
CRMDIR ?= $(PREFIX)/share/crmsh/scripts
ALERTDIR ?= $(PREFIX)/share/vmha/alerts
DOCDIR ?= $(PREFIX)/share/doc/vmha
# The group that QEMU runs as: libvirt-qemu on Debian, qemu on Fedora, RHEL.
QEMU_GROUP ?= libvirt-qemu
# AppArmor is Debian's and SUSE's, SELinux is Fedora's: empty to leave out.
APPARMOR ?= yes
SELINUX ?=
# What goes into a source package: what git knows, as it is in the tree, or
# everything where the source came without git.
SOURCE_LIST = if git rev-parse --git-dir >/dev/null 2>&1; then git ls-files -z; \
	else find . -path ./$(BUILD) -prune -o -type f -print0; fi

PKG := packaging
PKG_DOCS := $(filter-out docs/CONTRIBUTING.md,$(wildcard README.md docs/*.md))
PKG_OUT := $(BUILD)/packaging
PKG_SUBST = sed -e 's,@QEMU_GROUP@,$(QEMU_GROUP),g' \
	-e 's,@PREFIX@,$(PREFIX),g' -e 's,@LIBDIR@,$(LIBDIR),g' \
	-e 's,@VERSION@,$(VERSION),g' -e 's,@SBINDIR@,$(SBINDIR),g' \
	-e 's,@ENVDIR@,$(ENVDIR),g'

INSTALLS += install-host install-heartbeat install-dev
HELP += "make install: programs and their data; install-host and install-dev" \
	"           are its parts for a host and for a developer" \
	"make deb, make rpm: packages, in build/deb and build/rpm" \
	"make deps WHAT=\"build check\": only these levels of build, check, lint," \
	"           packages" \
	"make check-packages: install, try, remove and purge them in a clean root" \
	"make check-pacemaker3: builds against Pacemaker 3.0 and runs the unit" \
	"           tests there, in a root of Debian trixie; DEBIAN_MIRROR=URL" \
	"           where this machine's own mirror does not carry it"

install-host:
	$(INSTALL) -D -m 644 $(PKG)/systemd/vmha.conf \
		$(DESTDIR)$(UNITDIR)/resource-agents-deps.target.d/vmha.conf
	@mkdir -p $(PKG_OUT)
	$(PKG_SUBST) $(PKG)/tmpfiles/vmha.conf.in > $(PKG_OUT)/tmpfiles.conf
	$(INSTALL) -D -m 644 $(PKG_OUT)/tmpfiles.conf \
		$(DESTDIR)$(TMPFILESDIR)/vmha.conf
	$(INSTALL) -D -m 644 $(PKG)/ocft/VirtualMachine \
		$(DESTDIR)$(OCFTDIR)/VirtualMachine
	$(INSTALL) -d $(DESTDIR)$(DOCDIR)
	$(INSTALL) -m 644 $(PKG_DOCS) $(DESTDIR)$(DOCDIR)
ifneq ($(APPARMOR),)
	$(INSTALL) -D -m 644 $(PKG)/apparmor/vmha-qemu \
		$(DESTDIR)$(SYSCONFDIR)/apparmor.d/abstractions/vmha-qemu
endif
ifneq ($(SELINUX),)
	$(INSTALL) -D -m 644 $(PKG)/selinux/README.selinux \
		$(DESTDIR)$(DOCDIR)/README.selinux
endif

# What belongs to the heartbeat daemon beside its program.
install-heartbeat:
	@mkdir -p $(PKG_OUT)
	$(PKG_SUBST) $(PKG)/systemd/vmha-heartbeatd.service.in \
		> $(PKG_OUT)/vmha-heartbeatd.service
	$(INSTALL) -D -m 644 $(PKG_OUT)/vmha-heartbeatd.service \
		$(DESTDIR)$(UNITDIR)/vmha-heartbeatd.service
	$(INSTALL) -D -m 644 $(PKG)/default/vmha-heartbeatd \
		$(DESTDIR)$(ENVDIR)/vmha-heartbeatd
	$(INSTALL) -d $(DESTDIR)$(SYSCONFDIR)/vmha
	$(INSTALL) -D -m 755 $(PKG)/alerts/vmha-alert.sh \
		$(DESTDIR)$(ALERTDIR)/vmha-alert.sh
	$(INSTALL) -D -m 644 $(PKG)/crm/vmha-add-vm/main.yml \
		$(DESTDIR)$(CRMDIR)/vmha-add-vm/main.yml
	$(INSTALL) -D -m 644 $(PKG)/crm/vmha-setup/main.yml \
		$(DESTDIR)$(CRMDIR)/vmha-setup/main.yml

# The API is not stable: static archives, no SONAME (libha/include/ha).
DEV_LIBS = $(HA_BASE) $(HA_CORE) $(HA_CODEC) $(HA_PARAMS)
# The headers of these archives: all but those of io.
DEV_HEADERS := $(filter-out $(addprefix libha/include/ha/,cib.h clock.h hostcap.h hostconf.h \
	disk.h watchdog.h corosync.h ipc.h \
	hvload.h hypervisor.h proc.h qmp.h vmfiles.h vmlist.h),\
	$(wildcard libha/include/ha/*.h))
install-dev: $(DEV_LIBS)
	$(INSTALL) -d $(DESTDIR)$(LIBDIR)/pkgconfig \
		$(DESTDIR)$(INCLUDEDIR)/vmha/ha
	$(INSTALL) -m 644 $(DEV_LIBS) $(DESTDIR)$(LIBDIR)
	$(INSTALL) -m 644 $(DEV_HEADERS) \
		$(DESTDIR)$(INCLUDEDIR)/vmha/ha
	@mkdir -p $(PKG_OUT)
	$(PKG_SUBST) $(PKG)/pkgconfig/vmha.pc.in > $(PKG_OUT)/vmha.pc
	$(INSTALL) -m 644 $(PKG_OUT)/vmha.pc \
		$(DESTDIR)$(LIBDIR)/pkgconfig/vmha.pc

.PHONY: deps deb rpm dist check-packages check-pacemaker3
WHAT ?= build check lint packages
deps:
	$(PKG)/deps $(WHAT)

# A copy of what git knows, so that nothing of this tree's build leaks in.
DIST := $(BUILD)/dist/vmha-$(VERSION)
dist:
	rm -rf $(DIST)
	mkdir -p $(DIST)
	{ $(SOURCE_LIST); } | xargs -0 -r cp --parents -P -t $(DIST)
	tar -C $(BUILD)/dist --sort=name --owner=0 --group=0 --numeric-owner \
		-czf $(DIST).tar.gz vmha-$(VERSION)

deb: dist
	$(PKG)/build-deb $(DIST) $(BUILD)/deb

rpm: dist
	$(PKG)/build-rpm $(DIST).tar.gz $(PKG)/vmha.spec $(VERSION) $(BUILD)/rpm

check-packages: deb rpm
	$(PKG)/check-packages $(BUILD)/deb $(BUILD)/rpm $(BUILD)/roots

check-pacemaker3: dist
	$(PKG)/check-pacemaker3 $(DIST) $(BUILD)/roots
