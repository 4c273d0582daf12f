/* SPDX-License-Identifier: BSD-2-Clause */
/* Says what it was started with, which addresses the machine has, and what of it another program of
   the image has changed. */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

int counter = 1;
int uncommon;

const char *who(void) {
    return "one";
}

static void tell_addresses(void) {
    struct ifaddrs *all;

    if (getifaddrs(&all) != 0)
        return;
    for (struct ifaddrs *one = all; one != NULL; one = one->ifa_next)
        if (one->ifa_addr != NULL && one->ifa_addr->sa_family == AF_INET)
            printf("interface %s %s\n", one->ifa_name,
                   inet_ntoa(((struct sockaddr_in *)one->ifa_addr)->sin_addr));
}

int main(int argc, char *argv[]) {
    const char *note = getenv("NOTE");
    const char *value = getenv("OWN");
    FILE *file = fopen(note != NULL ? note : "/etc/note", "r");
    char line[80] = "no file";

    counter++;
    uncommon += 10;
    if (file != NULL && fgets(line, sizeof(line), file) == NULL)
        return 1;
    printf("%s: counter %d, uncommon %d, last of %d: %s, OWN %s, %s\n", who(), counter, uncommon,
           argc, argv[argc - 1], value != NULL ? value : "unset", line);
    tell_addresses();
    return 3;
}
