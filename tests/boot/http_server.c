/* SPDX-License-Identifier: BSD-2-Clause */
/* A server of HTTP/1.1 on port 80: /file is that file below /proc, /large a megabyte, /end ends it,
   and all else is "hello". */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static char large[1 << 20];

static void need(int good, const char *what)
{
    if (good)
        return;
    printf("%s: %s\n", what, strerror(errno));
    exit(1);
}

static void answer(int client, const char *body, size_t size)
{
    char head[80];
    const int length =
        snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", size);
    need(send(client, head, (size_t)length, MSG_NOSIGNAL | MSG_MORE) == length, "send");
    for (size_t sent = 0; sent < size;) {
        const ssize_t now = send(client, body + sent, size - sent, MSG_NOSIGNAL);
        need(now > 0, "send");
        sent += (size_t)now;
    }
}

static void answer_file(int client, const char *name)
{
    char path[300], text[8192];
    snprintf(path, sizeof path, "/proc/%s", name);
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    const ssize_t size = file >= 0 ? read(file, text, sizeof text) : 0;
    close(file);
    answer(client, text, size > 0 ? (size_t)size : 0);
}

static void serve(int client)
{
    char request[4096], path[200] = "";
    const ssize_t size = recv(client, request, sizeof request - 1, 0);
    if (size <= 0) {
        close(client);
        return;
    }
    request[size] = '\0';
    need(sscanf(request, "GET /%199[^ ]", path) >= 0, "the request");
    if (strcmp(path, "end") == 0)
        exit(0);
    if (strcmp(path, "large") == 0)
        answer(client, large, sizeof large);
    else if (path[0])
        answer_file(client, path);
    else
        answer(client, "hello", 5);
}

int main(void)
{
    const int server = socket(AF_INET, SOCK_STREAM, 0), on = 1, many = epoll_create1(0);
    const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(80)};
    struct epoll_event events[16] = {{.events = EPOLLIN, .data.fd = server}};
    memset(large, 'x', sizeof large);
    need(setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0, "SO_REUSEADDR");
    need(bind(server, (const struct sockaddr *)&address, sizeof address) == 0, "bind");
    need(listen(server, 64) == 0, "listen");
    need(epoll_ctl(many, EPOLL_CTL_ADD, server, events) == 0, "epoll_ctl");
    for (;;) {
        const int count = epoll_wait(many, events, 16, -1);
        need(count > 0, "epoll_wait");
        for (int i = 0; i < count; i++) {
            struct epoll_event added = {.events = EPOLLIN};
            if (events[i].data.fd != server) {
                serve(events[i].data.fd);
                continue;
            }
            added.data.fd = accept4(server, NULL, NULL, SOCK_CLOEXEC);
            need(added.data.fd >= 0, "accept");
            need(setsockopt(added.data.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0,
                 "TCP_NODELAY");
            need(epoll_ctl(many, EPOLL_CTL_ADD, added.data.fd, &added) == 0, "epoll_ctl");
        }
    }
}
