/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Text from elsewhere is shown: a guest's or a device's name, what another host says. It must not
 * steer the terminal. In place, and never longer than it was.
 */
#ifndef VFPOOL_CORE_HARMLESS_H
#define VFPOOL_CORE_HARMLESS_H

/* '?' for each byte of what is no UTF-8. */
void harmless_utf8(char *text);

/* And for control characters, those of one byte and of two; line ends and tabs are such. */
void harmless(char *text);

#endif
