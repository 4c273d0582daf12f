/* SPDX-License-Identifier: BSD-2-Clause */
/* Uses each device of a machine once, without help: devices PORT, the port of a server that waits. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* What QEMU's own network has. */
#define OWN_ADDRESS "10.0.2.15"
#define HOST_ADDRESS "10.0.2.2"
#define NETMASK "255.255.255.0"

#define SERVED_PORT 80
#define SECTOR 512

static void check(int good, const char *what)
{
    if (good)
        return;
    printf("%s: %s\n", what, strerror(errno));
    exit(1);
}

/* Says the text at the start of a disk and its size, and writes behind it, where that is allowed. */
static void use_disk(const char *path)
{
    char first[SECTOR], second[SECTOR] = "written by the machine";
    int readonly = 0;
    /* Linux opens a disk that cannot be written to all the same. */
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    check(fd >= 0, path);
    check(pread(fd, first, sizeof first, 0) == SECTOR, "reading a disk");
    check(ioctl(fd, BLKROGET, &readonly) == 0, "whether a disk can be written to");
    const off_t size = lseek(fd, 0, SEEK_END);
    first[SECTOR - 1] = '\0';
    printf("%s: %s, %lld bytes, %s\n", path, first, (long long)size,
           readonly ? "read-only" : "writable");
    check((pwrite(fd, second, sizeof second, SECTOR) == SECTOR) == !readonly, "writing to a disk");
    check(fsync(fd) == 0, "writing to a disk");
    close(fd);
}

static void use_share(const char *tag, const char *place)
{
    char path[64], text[64];
    snprintf(path, sizeof path, "%s/to-machine", place);
    check(mkdir(place, 0755) == 0, place);
    check(mount(tag, place, "9p", 0, "trans=virtio,version=9p2000.L") == 0, tag);
    FILE *file = fopen(path, "re");
    check(file && fgets(text, sizeof text, file), path);
    fclose(file);
    snprintf(path, sizeof path, "%s/from-machine", place);
    file = fopen(path, "we");
    printf("%s: %s, %s\n", tag, text, file ? "writable" : strerror(errno));
    if (file) {
        check(fputs("made by the machine\n", file) >= 0, path);
        check(fclose(file) == 0, path);
    }
}

static struct sockaddr_in address_of(const char *text, int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    check(inet_pton(AF_INET, text, &address.sin_addr) == 1, text);
    return address;
}

static void set_up_interface(const char *name)
{
    struct ifreq request;
    memset(&request, 0, sizeof request);
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const struct sockaddr_in own = address_of(OWN_ADDRESS, 0), mask = address_of(NETMASK, 0);
    check(fd >= 0, "socket");
    memcpy(&request.ifr_addr, &own, sizeof own);
    check(ioctl(fd, SIOCSIFADDR, &request) == 0, name);
    memcpy(&request.ifr_netmask, &mask, sizeof mask);
    check(ioctl(fd, SIOCSIFNETMASK, &request) == 0, name);
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    check(ioctl(fd, SIOCSIFFLAGS, &request) == 0, name);
    close(fd);
}

static void ask_host(int port)
{
    char answer[64] = "";
    const struct sockaddr_in host = address_of(HOST_ADDRESS, port);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(fd >= 0, "socket");
    check(connect(fd, (const struct sockaddr *)&host, sizeof host) == 0, "connecting to the host");
    check(write(fd, "who?\n", 5) == 5, "asking the host");
    check(read(fd, answer, sizeof answer - 1) > 0, "the host's answer");
    printf("host: %s\n", answer);
    close(fd);
}

/* Answers one request. */
static void serve(void)
{
    static const char answer[] = "HTTP/1.0 200 OK\r\nContent-Length: 17\r\n\r\nfrom the machine\n";
    char request[1024];
    const struct sockaddr_in any = address_of("0.0.0.0", SERVED_PORT);
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(listener >= 0, "socket");
    check(bind(listener, (const struct sockaddr *)&any, sizeof any) == 0, "bind");
    check(listen(listener, 1) == 0, "listen");
    puts("listening");
    const int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    check(fd >= 0, "accept");
    check(read(fd, request, sizeof request) > 0, "the request");
    check(write(fd, answer, sizeof answer - 1) == (ssize_t)sizeof answer - 1, "the answer");
    shutdown(fd, SHUT_WR);
    check(read(fd, request, sizeof request) == 0, "the end of the request");
    close(fd);
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    if (argc != 2)
        return 2;
    use_disk("/dev/vda");
    use_disk("/dev/vdb");
    use_share("host", "/host");
    use_share("kept", "/kept");
    set_up_interface("eth0");
    ask_host(atoi(argv[1]));
    serve();
    return 0;
}
