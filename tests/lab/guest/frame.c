/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * frame IFACE HEX: sends these bytes as they are, whatever addresses and tags are in them: what a
 * hostile guest can do. Filled up to the shortest frame there is.
 */
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { SHORTEST = 60, LONGEST = 1514 };

int main(int argc, char **argv)
{
	unsigned char frame[LONGEST] = {0};
	struct sockaddr_ll to = {.sll_family = AF_PACKET};
	int length = 0, fd;

	if (argc != 3)
		return 2;
	for (const char *hex = argv[2]; strlen(hex) >= 2 && length < LONGEST; hex += 2)
		if (sscanf(hex, "%2hhx", &frame[length++]) != 1)
			return 2;
	if (length < SHORTEST)
		length = SHORTEST;
	to.sll_ifindex = (int)if_nametoindex(argv[1]);
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (fd >= 0 &&
	    sendto(fd, frame, (size_t)length, 0, (struct sockaddr *)&to, sizeof(to)) == length)
		return 0;
	perror("frame");
	return 1;
}
