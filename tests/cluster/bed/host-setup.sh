#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Turns a fresh set of namespaces into a host of the test bed. Runs once per
# boot as the first child of bed-init, before anything else lives there.
#
# What a real machine keeps over a reboot (/etc, /var) lies under $BED_HOST_DIR
# and survives a power cycle; what it loses (/run, /tmp, /dev/shm) is tmpfs.
# The machine's own /usr, /etc and /var show through from below, read-only in
# effect, with the product under test ($BED_STAGE) laid over them.
#
# Input is the environment: BED_HOST, BED_HOST_DIR, BED_SHARED, BED_OVERLAY,
# BED_STAGE (may be empty), BED_FENCE, BED_DATASTORES, BED_WATCHDOG (empty: no).
set -euo pipefail

overlay() { # TARGET [UPPER-NAME]
	local target=$1 layers=$1 upper=${2:-}
	if [[ -n $BED_STAGE && -d $BED_STAGE$target ]]; then
		layers=$BED_STAGE$target:$layers
	fi
	if [[ -d $BED_OVERLAY$target ]]; then
		layers=$BED_OVERLAY$target:$layers
	fi
	if [[ -n $upper ]]; then
		mkdir -p "$BED_HOST_DIR/$upper" "$BED_HOST_DIR/$upper.work"
		mount -t overlay bed -o "lowerdir=$layers,upperdir=$BED_HOST_DIR/$upper,workdir=$BED_HOST_DIR/$upper.work" "$target"
	elif [[ $layers != "$target" ]]; then
		mount -t overlay bed -o "ro,lowerdir=$layers" "$target"
	fi
}

keep() { # NAME TARGET [OWNER [MODE]]: a private directory that outlives a boot
	mkdir -p "$BED_HOST_DIR/$1" "$2"
	chown "${3:-root:root}" "$BED_HOST_DIR/$1"
	chmod "${4:-755}" "$BED_HOST_DIR/$1"
	mount --bind "$BED_HOST_DIR/$1" "$2"
}

own() { # OWNER MODE DIR...
	local owner=$1 mode=$2
	shift 2
	mkdir -p "$@"
	chown "$owner" "$@"
	chmod "$mode" "$@"
}

overlay /usr
overlay /etc etc
overlay /var var
for name in hosts hostname machine-id; do
	cp "$BED_HOST_DIR/conf/$name" "/etc/$name"
done

pcmk=hacluster:haclient
keep etc-corosync /etc/corosync
keep etc-pacemaker /etc/pacemaker
keep etc-libvirt /etc/libvirt
keep log /var/log
keep lib-pacemaker /var/lib/pacemaker $pcmk
own $pcmk 750 /var/lib/pacemaker/{cib,pengine,blackbox,cores}
keep lib-corosync /var/lib/corosync
keep lib-libvirt /var/lib/libvirt
keep cache-libvirt /var/cache/libvirt
own $pcmk 770 /var/log/pacemaker
own root:root 755 /var/log/corosync /var/log/crmsh /var/log/libvirt \
	/var/log/vmha
cp -r "$BED_HOST_DIR/conf/corosync/." /etc/corosync/
cp -r "$BED_HOST_DIR/conf/libvirt/." /etc/libvirt/
if [[ ! -e /var/lib/pacemaker/cib/cib.xml ]]; then
	install -o hacluster -g haclient -m 600 "$BED_HOST_DIR/conf/cib.xml" \
		/var/lib/pacemaker/cib/cib.xml
fi

mount -t tmpfs -o mode=755 bed /run
own root:root 755 /run/bed /run/lock /run/resource-agents
own root:root 700 /run/bed/fence /run/bed/shared /run/root
own $pcmk 750 /run/crm
mount --bind "$BED_FENCE" /run/bed/fence
mount --bind "$BED_SHARED" /run/bed/shared

# All hosts have one kernel and would share its boot id: give each boot its own.
cat /proc/sys/kernel/random/uuid >/run/bed/boot_id
mount --bind /run/bed/boot_id /proc/sys/kernel/random/boot_id

# Pacemaker and watchdog daemons panic a host by sysrq, which is the machine's:
# PID 1 reads the fifo instead, keeps the keys and ends the host.
mkfifo -m 600 /run/bed/sysrq-trigger
touch "$BED_HOST_DIR/sysrq" /run/bed/sysrq-keys
mount --bind "$BED_HOST_DIR/sysrq" /run/bed/sysrq-keys
if [[ -e /proc/sysrq-trigger ]]; then
	mount --bind /run/bed/sysrq-trigger /proc/sysrq-trigger
	cat /proc/sys/kernel/sysrq >/run/bed/sysrq
	mount --bind /run/bed/sysrq /proc/sys/kernel/sysrq
fi

mkdir /run/bed/dev
mount --bind /dev /run/bed/dev
mount -t tmpfs -o mode=755 bed /dev
for node in null zero full random urandom tty kvm fuse loop-control net/tun \
	/run/bed/dev/loop[0-9]*; do
	node=${node#/run/bed/dev/}
	if [[ -c /run/bed/dev/$node || -b /run/bed/dev/$node ]]; then
		mkdir -p "/dev/$(dirname "$node")"
		cp -a "/run/bed/dev/$node" "/dev/$node"
	fi
done
umount /run/bed/dev
rmdir /run/bed/dev
# Where the bed mounts its watchdog, after this. Without one there is no file:
# a daemon would pet it in vain.
if [[ -n $BED_WATCHDOG ]]; then
	install -m 600 /dev/null /dev/watchdog
fi
mkdir -m 1777 /dev/shm
mkdir /dev/pts
mount -t tmpfs -o mode=1777 bed /dev/shm
mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts /dev/pts
ln -s pts/ptmx /dev/ptmx
ln -s /proc/self/fd /dev/fd
ln -s /proc/self/fd/0 /dev/stdin
ln -s /proc/self/fd/1 /dev/stdout
ln -s /proc/self/fd/2 /dev/stderr

# A sysfs of this network namespace, and without the machine's cgroups:
# libvirt would put all hosts' guests into one tree.
mount -t sysfs sysfs /sys

mount -t tmpfs -o mode=755 bed /srv
mkdir /srv/config
for ds in $BED_DATASTORES; do
	mkdir "/srv/$ds"
done
ip link set lo up

# Last: everything above may lie under /tmp.
mount -t tmpfs -o mode=1777 bed /tmp
