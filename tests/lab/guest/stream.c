/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * stream MAC PORT: a small UDP packet every 10 ms, to everybody, from whatever NIC has this MAC by
 * then, until it is killed. The Nth comes from 10.N/65536.N/256%256.N%256, port PORT, so that who
 * listens on the wire knows which ones are missing. Without a NIC they are lost, and counted on.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVERY_NS (10 * 1000 * 1000)
#define LOOK_EVERY 10 /* packets: for a NIC that has come meanwhile */

struct packet {
	uint8_t to[6], from[6];
	uint16_t type;
	uint8_t version, tos;
	uint16_t length, id, fragment;
	uint8_t ttl, protocol;
	uint16_t sum;
	uint32_t source, destination;
	uint16_t source_port, destination_port, udp_length, udp_sum;
	uint8_t payload[18];
} __attribute__((packed));

#define IP_LENGTH (sizeof(struct packet) - 14)
#define UDP_LENGTH (IP_LENGTH - 20)

/* Of a pair and its master, which all have one MAC, the master. */
static int find(const char *mac)
{
	DIR *dir = opendir("/sys/class/net");
	struct dirent *entry;
	int found = 0;

	while (dir && (entry = readdir(dir))) {
		char path[300], line[32] = "";
		FILE *f;

		snprintf(path, sizeof(path), "/sys/class/net/%s/master", entry->d_name);
		if (entry->d_name[0] == '.' || access(path, F_OK) == 0)
			continue;
		snprintf(path, sizeof(path), "/sys/class/net/%s/address", entry->d_name);
		f = fopen(path, "re");
		if (f && fgets(line, sizeof(line), f) && !strncasecmp(line, mac, strlen(mac)))
			found = (int)if_nametoindex(entry->d_name);
		if (f)
			fclose(f);
	}
	if (dir)
		closedir(dir);
	return found;
}

static uint16_t sum_of(const void *header)
{
	const uint8_t *bytes = header;
	uint32_t sum = 0;

	for (int i = 0; i < 20; i += 2)
		sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

int main(int argc, char **argv)
{
	const struct timespec every = {.tv_nsec = EVERY_NS};
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_halen = 6};
	struct packet packet = {
		.type = htons(ETHERTYPE_IP),
		.version = 0x45,
		.length = htons(IP_LENGTH),
		.ttl = 64,
		.protocol = IPPROTO_UDP,
		.destination = htonl(INADDR_BROADCAST),
		.destination_port = htons(9),
		.udp_length = htons(UDP_LENGTH),
	};
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	if (argc != 3 || fd < 0 ||
	    sscanf(argv[1], "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx", &packet.from[0], &packet.from[1],
		   &packet.from[2], &packet.from[3], &packet.from[4], &packet.from[5]) != 6)
		return 2;
	memset(packet.to, 0xff, 6);
	memset(to.sll_addr, 0xff, 6);
	packet.source_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
	for (uint32_t n = 0;; n++) {
		if (!to.sll_ifindex && n % LOOK_EVERY == 0)
			to.sll_ifindex = find(argv[1]);
		packet.source = htonl(0x0a000000 | (n & 0xffffff));
		packet.sum = 0;
		packet.sum = sum_of(&packet.version);
		if (to.sll_ifindex &&
		    sendto(fd, &packet, sizeof(packet), 0, (struct sockaddr *)&to, sizeof(to)) < 0)
			to.sll_ifindex = 0;
		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &every, NULL);
	}
}
