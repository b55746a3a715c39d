// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Power button, power-off, reset and panic, without an ACPI interpreter: the
 * registers of the two chipsets that QEMU has (PIIX4 of "pc", ICH9 of "q35")
 * are programmed directly. The button is polled; its interrupt stays masked.
 *
 * QEMU sets the button's status bit only while its enable bit is set
 * (hw/acpi/core.c), so without power_init() the guest is deaf to it.
 */
#include "nano.h"

#define PCI_ADDRESS 0xcf8
#define PCI_DATA 0xcfc
#define PCI_ENABLE 0x80000000u
#define PCI_SLOTS 32u
#define PCI_FUNCTIONS 8u
#define ID_PIIX4_PM 0x71138086u
#define ID_ICH9_LPC 0x29188086u
#define CONFIG_PMBASE 0x40u
#define PIIX4_PMREGMISC 0x80u
#define PIIX4_PMIOSE 0x01u
#define ICH9_ACPI_CONTROL 0x44u
#define ICH9_ACPI_ENABLE 0x80u
#define PMBASE_WANTED 0x600u
#define PMBASE_IS_IO 0x1u

#define PM1_STATUS 0
#define PM1_ENABLE 2
#define PM1_CONTROL 4
#define PM1_POWER_BUTTON 0x0100
#define PM1_SLEEP_S5 0x2000 /* SLP_EN with SLP_TYP 0: soft off in QEMU */

#define RESET_CONTROL 0xcf9
#define RESET_FULL 0x06
#define KEYBOARD_COMMAND 0x64
#define KEYBOARD_PULSE_RESET 0xfe
#define PVPANIC_PORT 0x505
#define PVPANIC_PANICKED 0x01

static uint16_t pm_base;

static uint32_t
pci_read(uint32_t device, uint32_t reg)
{
	outl(PCI_ADDRESS, PCI_ENABLE | device << 8 | reg);
	return inl(PCI_DATA);
}

static void
pci_write(uint32_t device, uint32_t reg, uint32_t v)
{
	outl(PCI_ADDRESS, PCI_ENABLE | device << 8 | reg);
	outl(PCI_DATA, v);
}

static bool
pm_open(uint32_t device)
{
	uint32_t id = pci_read(device, 0);
	uint32_t enable_reg, enable_bit;

	if (id == ID_PIIX4_PM) {
		enable_reg = PIIX4_PMREGMISC;
		enable_bit = PIIX4_PMIOSE;
	} else if (id == ID_ICH9_LPC) {
		enable_reg = ICH9_ACPI_CONTROL;
		enable_bit = ICH9_ACPI_ENABLE;
	} else {
		return false;
	}
	pci_write(device, CONFIG_PMBASE, PMBASE_WANTED | PMBASE_IS_IO);
	pci_write(device, enable_reg,
		  pci_read(device, enable_reg) | enable_bit);
	pm_base = PMBASE_WANTED;
	outw(pm_base + PM1_STATUS, PM1_POWER_BUTTON);
	outw(pm_base + PM1_ENABLE, PM1_POWER_BUTTON);
	return true;
}

/* Name of the power management device found, for the log. */
const char *
power_init(void)
{
	for (uint32_t i = 0; i < PCI_SLOTS * PCI_FUNCTIONS; i++) {
		if (pm_open(i)) {
			return pci_read(i, 0) == ID_PIIX4_PM ? "piix4" : "ich9";
		}
	}
	return "none";
}

bool
power_button_pressed(void)
{
	if (!pm_base || !(inw(pm_base + PM1_STATUS) & PM1_POWER_BUTTON)) {
		return false;
	}
	outw(pm_base + PM1_STATUS, PM1_POWER_BUTTON);
	return true;
}

void
power_off(void)
{
	if (pm_base) {
		outw(pm_base + PM1_CONTROL, PM1_SLEEP_S5);
	}
	irq_stop_for_ever();
}

void
power_reset(void)
{
	outb(RESET_CONTROL, RESET_FULL);
	outb(KEYBOARD_COMMAND, KEYBOARD_PULSE_RESET);
	irq_stop_for_ever();
}

/* False when the machine has no pvpanic device. */
bool
power_panic(void)
{
	uint8_t features = inb(PVPANIC_PORT);

	if (features == 0xff || !(features & PVPANIC_PANICKED)) {
		return false;
	}
	outb(PVPANIC_PORT, PVPANIC_PANICKED);
	return true;
}
