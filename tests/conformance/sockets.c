/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets: pairs of them, TCP and UDP within the machine. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "check.h"

static short ready(int file, short what)
{
    struct pollfd wait = {.fd = file, .events = what};
    return poll(&wait, 1, 200) < 0 ? -1 : wait.revents;
}

static void pairs(void)
{
    int ends[2];
    char text[100] = "";
    check_call("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    check_call("write", write(ends[0], "hello", 5));
    check_call("read", read(ends[1], text, sizeof text));
    check_text("what it gave", text);
    check_call("send", send(ends[1], "back", 4, 0));
    check_call("MSG_PEEK", recv(ends[0], text, 2, MSG_PEEK));
    check_call("recv", recv(ends[0], text, sizeof text, 0));
    check_call("MSG_DONTWAIT", recv(ends[0], text, sizeof text, MSG_DONTWAIT));
    check_value("poll", ready(ends[0], POLLIN | POLLOUT));
    check_call("shutdown", shutdown(ends[0], SHUT_WR));
    check_call("read of the end", read(ends[1], text, 1));
    check_call("write behind the end", send(ends[0], "x", 1, MSG_NOSIGNAL));
    check_call("the other way", write(ends[1], "still", 5));
    check_call("read", read(ends[0], text, sizeof text));
    struct stat facts;
    check_call("fstat", fstat(ends[0], &facts));
    check_true("it is a socket", S_ISSOCK(facts.st_mode));
    int kind = 0;
    socklen_t size = sizeof kind;
    check_call("SO_TYPE", getsockopt(ends[0], SOL_SOCKET, SO_TYPE, &kind, &size));
    check_value("it is", kind);
    check_call("lseek", lseek(ends[0], 0, SEEK_SET));
    close(ends[1]);
    check_call("write to nobody", send(ends[0], "x", 1, MSG_NOSIGNAL));
    close(ends[0]);
    check_call("datagrams", socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends));
    check_value("FD_CLOEXEC", fcntl(ends[0], F_GETFD));
    send(ends[0], "one", 3, 0);
    send(ends[0], "three", 5, 0);
    check_call("each for itself", read(ends[1], text, sizeof text));
    check_call("cut off", read(ends[1], text, 2));
    check_call("the rest is gone", recv(ends[1], text, 10, MSG_DONTWAIT));
    close(ends[0]);
    close(ends[1]);
    check_call("a pair of what has none", socketpair(AF_INET, SOCK_STREAM, 0, ends));
}

static struct sockaddr_in loopback(in_port_t port)
{
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int listening(struct sockaddr_in *address)
{
    const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check_done("socket", server);
    const int yes = 1;
    check_call("SO_REUSEADDR", setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes));
    *address = loopback(0);
    check_call("bind", bind(server, (struct sockaddr *)address, sizeof *address));
    check_call("listen", listen(server, 5));
    socklen_t size = sizeof *address;
    check_call("getsockname", getsockname(server, (struct sockaddr *)address, &size));
    check_true("a port", address->sin_port != 0 && size == sizeof *address);
    return server;
}

static void *echo(void *with)
{
    const int client = accept4(*(int *)with, NULL, NULL, 0);
    char text[4096];
    for (ssize_t size; (size = read(client, text, sizeof text)) > 0;)
        if (send(client, text, (size_t)size, MSG_NOSIGNAL) != size)
            break;
    close(client);
    return NULL;
}

static void *send_all(void *with)
{
    static char lot[200000];
    for (size_t i = 0; i < sizeof lot; i++)
        lot[i] = (char)(i % 251);
    for (size_t sent = 0; sent < sizeof lot;) {
        const ssize_t size = send(*(int *)with, lot + sent, sizeof lot - sent, MSG_NOSIGNAL);
        if (size <= 0)
            break;
        sent += (size_t)size;
    }
    shutdown(*(int *)with, SHUT_WR);
    return NULL;
}

static void streams(void)
{
    struct sockaddr_in address, peer;
    int server = listening(&address), client = socket(AF_INET, SOCK_STREAM, 0);
    pthread_t echoes, sends;
    pthread_create(&echoes, NULL, echo, &server);
    check_call("connect", connect(client, (struct sockaddr *)&address, sizeof address));
    socklen_t size = sizeof peer;
    check_call("getpeername", getpeername(client, (struct sockaddr *)&peer, &size));
    check_true("it is the server", peer.sin_port == address.sin_port &&
                                       peer.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    const int yes = 1;
    check_call("TCP_NODELAY", setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes));
    check_call("send", send(client, "hello", 5, 0));
    check_value("poll", ready(client, POLLIN) & POLLIN);
    char text[10] = "";
    check_call("recv", recv(client, text, 5, MSG_WAITALL));
    check_text("what it gave", text);
    check_call("nothing", recv(client, text, 5, MSG_DONTWAIT));
    check_call("connect again", connect(client, (struct sockaddr *)&address, sizeof address));
    pthread_create(&sends, NULL, send_all, &client);
    long total = 0;
    bool same = true;
    char part[3000];
    for (ssize_t got; (got = recv(client, part, sizeof part, 0)) > 0; total += got)
        for (ssize_t i = 0; i < got; i++)
            same = same && part[i] == (char)((total + i) % 251);
    pthread_join(sends, NULL);
    pthread_join(echoes, NULL);
    check_value("a lot, and back", total);
    check_true("the same", same);
    close(client);
    close(server);
    client = socket(AF_INET, SOCK_STREAM, 0);
    check_call("connect to nobody", connect(client, (struct sockaddr *)&address, sizeof address));
    close(client);
}

static void without_waiting(void)
{
    struct sockaddr_in address;
    const int server = listening(&address), client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    fcntl(server, F_SETFL, O_NONBLOCK);
    check_call("accept of nobody", accept(server, NULL, NULL));
    check_value("poll", ready(server, POLLIN));
    check_true("connect", connect(client, (struct sockaddr *)&address, sizeof address) == 0 ||
                              errno == EINPROGRESS);
    check_value("poll of the client", ready(client, POLLOUT) & POLLOUT);
    int error = -1;
    socklen_t size = sizeof error;
    check_call("SO_ERROR", getsockopt(client, SOL_SOCKET, SO_ERROR, &error, &size));
    check_value("it is", error);
    check_value("poll of the server", ready(server, POLLIN));
    const int other = accept4(server, NULL, NULL, SOCK_NONBLOCK);
    check_done("accept4", other);
    check_call("recv of nothing", recv(other, &error, 1, 0));
    close(client);
    check_value("poll when it is closed", ready(other, POLLIN) & POLLIN);
    check_call("recv of the end", recv(other, &error, 1, 0));
    close(other);
    close(server);
}

static void datagrams(void)
{
    const int one = socket(AF_INET, SOCK_DGRAM, 0), other = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in address = loopback(0), from;
    check_call("bind", bind(one, (struct sockaddr *)&address, sizeof address));
    socklen_t size = sizeof address;
    getsockname(one, (struct sockaddr *)&address, &size);
    check_call("sendto", sendto(other, "datagram", 8, 0, (struct sockaddr *)&address, size));
    char text[20] = "";
    size = sizeof from;
    check_call("recvfrom", recvfrom(one, text, sizeof text, 0, (struct sockaddr *)&from, &size));
    check_text("what it gave", text);
    check_true("from this machine", from.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    check_call("back", sendto(one, "back", 4, 0, (struct sockaddr *)&from, size));
    check_call("connect", connect(other, (struct sockaddr *)&address, sizeof address));
    check_call("recv", recv(other, text, sizeof text, 0));
    struct iovec parts[] = {{"in ", 3}, {"parts", 5}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    check_call("sendmsg", sendmsg(other, &message, 0));
    check_call("recv", recv(one, text, sizeof text, 0));
    check_text("what it gave", text);
    close(one);
    close(other);
}

static void refused(void)
{
    struct sockaddr_in address = loopback(htons(1));
    const int file = socket(AF_INET, SOCK_STREAM, 0);
    check_done("no family", socket(77, SOCK_STREAM, 0));
    check_done("no kind", socket(AF_INET, 77, 0));
    check_call("send without a connection", send(file, "x", 1, MSG_NOSIGNAL));
    check_call("recv without a connection", recv(file, &address, 1, 0));
    check_call("getpeername without one",
               getpeername(file, (struct sockaddr *)&address, &(socklen_t){sizeof address}));
    check_call("accept without listen", accept(file, NULL, NULL));
    check_call("bind of too few bytes", bind(file, (struct sockaddr *)&address, 2));
    check_call("connect to no address", connect(file, (void *)8, sizeof address));
    check_call("no option", getsockopt(file, SOL_SOCKET, 7777, &address, &(socklen_t){4}));
    check_call("shutdown without a connection", shutdown(file, SHUT_RDWR));
    check_call("bind of a file", bind(open("/tmp", O_RDONLY), (struct sockaddr *)&address, 16));
    check_call("listen of no descriptor", listen(99, 1));
    close(file);
}

int main(void)
{
    check_begin();
    pairs();
    streams();
    without_waiting();
    datagrams();
    refused();
    return 0;
}
