/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes the files of a whole machine, as its root directory has them, from a description in
 * tests/data/machines. A line is one of:
 *
 *   include NAME           the lines of another description
 *   file PATH TEXT         a file with this line; no TEXT: an empty one
 *   program PATH TEXT      the same, to be executed
 *   more PATH TEXT         one more line of it
 *   link PATH TARGET
 *   dir PATH
 *   drop PATH              what an included description made
 *   pci ADDRESS KEY=VALUE… a PCI function, with its links in sysfs
 *   vfs PF KEY=VALUE…      the VFs of a PF
 *
 * Keys of both: id=VENDOR:DEVICE class= driver= group= net=INTERFACE. Of pci also total= num=
 * numa= mac= flags= carrier= autoprobe= capable= mode= (of sriov_numvfs). Of vfs also first= (the
 * address of VF 0), stride=, count=, skip= (an index; more with commas), one-group=yes; their
 * groups count up from group=, and to net= their number is added. Trouble ends the process.
 */
#ifndef VFPOOL_FAKES_MACHINE_H
#define VFPOOL_FAKES_MACHINE_H

/* root must not be there, or be empty. */
void machine_make(const char *root, const char *name);

/* Changes one: the same lines as in a description. */
void machine_line(const char *root, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
