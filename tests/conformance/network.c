/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets, further: names, files that go along, what is held back, both families, and ends. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "check.h"

static short ready(int file, short what, int milliseconds)
{
    struct pollfd wait = {.fd = file, .events = what};
    return poll(&wait, 1, milliseconds) < 0 ? -1 : wait.revents;
}

static socklen_t path_name(struct sockaddr_un *name, const char *path)
{
    *name = (struct sockaddr_un){.sun_family = AF_UNIX};
    strcpy(name->sun_path, path);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
}

static void paths(void)
{
    struct sockaddr_un name, other;
    struct stat facts;
    socklen_t size = path_name(&name, "/tmp/socket"), other_size = sizeof other;
    const int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
    check_call("connect to no path", connect(client, (struct sockaddr *)&name, size));
    check_call("bind to a path", bind(server, (struct sockaddr *)&name, size));
    check_call("bind of another", bind(client, (struct sockaddr *)&name, size));
    check_call("stat", stat("/tmp/socket", &facts));
    check_true("it is a socket", S_ISSOCK(facts.st_mode));
    check_call("open of it", open("/tmp/socket", O_RDWR));
    check_call("connect before listen", connect(client, (struct sockaddr *)&name, size));
    check_call("listen", listen(server, 1));
    check_value("poll of none", ready(server, POLLIN, 0));
    check_call("connect", connect(client, (struct sockaddr *)&name, size));
    check_call("connect again", connect(client, (struct sockaddr *)&name, size));
    check_value("poll of one", ready(server, POLLIN, 0));
    check_call("send before accept", send(client, "early", 5, 0));
    const int peer = accept(server, (struct sockaddr *)&other, &other_size);
    check_done("accept", peer);
    check_value("the client has no name", other_size);
    check_call("getpeername",
               getpeername(client, (struct sockaddr *)&other, &(socklen_t){sizeof other}));
    check_text("it is", other.sun_path);
    char text[20] = "";
    check_call("recv", recv(peer, text, sizeof text, 0));
    check_text("what it gave", text);
    close(client);
    check_value("poll of the end", ready(peer, POLLIN | POLLOUT | POLLRDHUP, 100));
    check_call("recv of the end", recv(peer, text, sizeof text, 0));
    close(peer);
    close(server);
    const int late = socket(AF_UNIX, SOCK_STREAM, 0);
    check_call("connect to nobody", connect(late, (struct sockaddr *)&name, size));
    check_call("unlink", unlink("/tmp/socket"));
    close(open("/tmp/plain", O_RDWR | O_CREAT, 0600));
    check_call("connect to a file",
               connect(late, (struct sockaddr *)&name, path_name(&name, "/tmp/plain")));
    unlink("/tmp/plain");
    close(late);
}

static void abstract(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "\0hidden"}, from;
    const socklen_t size = offsetof(struct sockaddr_un, sun_path) + 7;
    const int one = socket(AF_UNIX, SOCK_DGRAM, 0), other = socket(AF_UNIX, SOCK_DGRAM, 0);
    check_call("bind to no path", bind(one, (struct sockaddr *)&name, size));
    check_call("bind of another", bind(other, (struct sockaddr *)&name, size));
    check_call("sendto", sendto(other, "datagram", 8, 0, (struct sockaddr *)&name, size));
    char text[20] = "";
    socklen_t from_size = sizeof from;
    check_call("recvfrom", recvfrom(one, text, 4, MSG_TRUNC, (struct sockaddr *)&from, &from_size));
    check_value("from nobody", from_size);
    check_call("bind to any", bind(other, (struct sockaddr *)&name, sizeof(sa_family_t)));
    from_size = sizeof from;
    getsockname(other, (struct sockaddr *)&from, &from_size);
    check_value("a name of", from_size);
    check_call("connect", connect(other, (struct sockaddr *)&name, size));
    check_call("send", send(other, "", 0, 0));
    check_value("poll of nothing at all", ready(one, POLLIN, 0));
    check_call("recv of it", recv(one, text, sizeof text, 0));
    close(one);
    check_call("send to nobody", send(other, "x", 1, 0));
    const int stream = socket(AF_UNIX, SOCK_STREAM, 0);
    check_call("connect of another kind", connect(stream, (struct sockaddr *)&name, size));
    close(stream);
    close(other);
}

static void packets(void)
{
    int ends[2];
    char text[20] = "";
    check_call("packets", socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends));
    check_call("one", send(ends[0], "one", 3, MSG_EOR));
    check_call("two", send(ends[0], "two", 3, 0));
    check_call("each for itself", recv(ends[1], text, sizeof text, 0));
    struct iovec part = {text, 2};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    check_call("cut off", recvmsg(ends[1], &message, 0));
    check_value("it says so", message.msg_flags & MSG_TRUNC);
    close(ends[0]);
    check_call("recv of the end", recv(ends[1], text, sizeof text, 0));
    check_call("send to nobody", send(ends[1], "x", 1, MSG_NOSIGNAL));
    close(ends[1]);
}

static void files(void)
{
    int ends[2], pipe_ends[2], got = -1;
    char space[CMSG_SPACE(sizeof(int))] = "", text[20] = "";
    struct iovec part = {"with", 4};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    pipe(pipe_ends);
    struct cmsghdr *control = CMSG_FIRSTHDR(&message);
    *control = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(control), &pipe_ends[1], sizeof(int));
    check_call("sendmsg with a file", sendmsg(ends[0], &message, 0));
    close(pipe_ends[1]);
    memset(space, 0, sizeof space);
    part = (struct iovec){text, sizeof text};
    message.msg_controllen = sizeof space;
    check_call("recvmsg", recvmsg(ends[1], &message, MSG_CMSG_CLOEXEC));
    check_value("flags", message.msg_flags & (MSG_CTRUNC | MSG_TRUNC));
    control = CMSG_FIRSTHDR(&message);
    check_true("a file", control && control->cmsg_type == SCM_RIGHTS);
    memcpy(&got, CMSG_DATA(control), sizeof got);
    check_value("FD_CLOEXEC", fcntl(got, F_GETFD));
    check_call("write to it", write(got, "through", 7));
    check_call("read", read(pipe_ends[0], text, sizeof text));
    close(got);
    check_call("read of the end", read(pipe_ends[0], text, sizeof text));
    close(pipe_ends[0]);
    close(ends[0]);
    close(ends[1]);
}

static int listening(int domain, struct sockaddr_storage *address, socklen_t *size)
{
    const int server = socket(domain, SOCK_STREAM, 0);
    *address = (struct sockaddr_storage){.ss_family = (sa_family_t)domain};
    *size = domain == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    check_call("bind", bind(server, (struct sockaddr *)address, *size));
    check_call("listen", listen(server, 8));
    getsockname(server, (struct sockaddr *)address, size);
    return server;
}

/* A connection within the machine. */
static void connection(int ends[2])
{
    struct sockaddr_storage address;
    socklen_t size;
    const int server = listening(AF_INET, &address, &size);
    ends[0] = socket(AF_INET, SOCK_STREAM, 0);
    check_call("connect to the address of all",
               connect(ends[0], (struct sockaddr *)&address, size));
    ends[1] = accept(server, NULL, NULL);
    close(server);
}

static void halves(void)
{
    int ends[2];
    char text[20] = "";
    connection(ends);
    check_call("shutdown", shutdown(ends[0], SHUT_WR));
    check_call("shutdown again", shutdown(ends[0], SHUT_WR));
    check_value("poll of the other", ready(ends[1], POLLIN | POLLRDHUP, 200));
    check_call("recv of the end", recv(ends[1], text, sizeof text, 0));
    check_call("send back", send(ends[1], "back", 4, 0));
    check_call("recv", recv(ends[0], text, sizeof text, 0));
    check_call("send", send(ends[0], "x", 1, MSG_NOSIGNAL));
    close(ends[1]);
    check_value("poll of both ends", ready(ends[0], POLLIN | POLLRDHUP, 200) & ~POLLOUT);
    check_call("recv of the end", recv(ends[0], text, sizeof text, 0));
    struct sockaddr_in peer;
    check_call("getpeername",
               getpeername(ends[0], (struct sockaddr *)&peer, &(socklen_t){sizeof peer}));
    close(ends[0]);
}

static void resets(void)
{
    int ends[2], error = 0;
    char text[20];
    connection(ends);
    const struct linger at_once = {1, 0};
    check_call("SO_LINGER", setsockopt(ends[1], SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once));
    close(ends[1]);
    check_value("poll", ready(ends[0], POLLIN, 200));
    check_call("SO_ERROR",
               getsockopt(ends[0], SOL_SOCKET, SO_ERROR, &error, &(socklen_t){sizeof error}));
    check_error("it is", error);
    check_call("recv", recv(ends[0], text, sizeof text, 0));
    check_call("send", send(ends[0], "x", 1, MSG_NOSIGNAL));
    close(ends[0]);
    connection(ends);
    check_call("send that nobody reads", send(ends[0], "unread", 6, 0));
    ready(ends[1], POLLIN, 200);
    close(ends[1]);
    ready(ends[0], POLLIN, 200);
    check_call("recv", recv(ends[0], text, sizeof text, 0));
    close(ends[0]);
}

static void held_back(void)
{
    int ends[2];
    static char lot[65536];
    long sent = 0, got = 0;
    connection(ends);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    for (int quiet = 0; quiet < 5;) {
        const ssize_t size = send(ends[0], lot, sizeof lot, 0);
        if (size > 0) {
            sent += size;
            quiet = 0;
        } else {
            quiet += ready(ends[0], POLLOUT, 20) == 0;
        }
    }
    check_call("send where there is no room", send(ends[0], lot, 1, 0));
    check_value("poll", ready(ends[0], POLLOUT, 0));
    int waits = 0;
    check_call("FIONREAD", ioctl(ends[1], FIONREAD, &waits));
    check_true("some", waits > 0);
    const struct timeval most = {0, 100000};
    setsockopt(ends[1], SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    for (ssize_t size; (size = recv(ends[1], lot, sizeof lot, 0)) > 0;)
        got += size;
    check_call("recv after the timeout", recv(ends[1], lot, 1, 0));
    check_true("all that was sent", sent == got);
    check_value("poll", ready(ends[0], POLLOUT, 200));
    check_call("send again", send(ends[0], "x", 1, 0));
    close(ends[0]);
    close(ends[1]);
}

static void edges(void)
{
    int ends[2];
    char text[20];
    connection(ends);
    const int many = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET | EPOLLRDHUP}, told = {0};
    check_call("EPOLLET", epoll_ctl(many, EPOLL_CTL_ADD, ends[1], &event));
    check_call("nothing yet", epoll_wait(many, &told, 1, 0));
    send(ends[0], "one", 3, 0);
    check_call("something", epoll_wait(many, &told, 1, 200));
    check_value("it is", told.events);
    check_call("told once", epoll_wait(many, &told, 1, 0));
    send(ends[0], "two", 3, 0);
    check_call("something more", epoll_wait(many, &told, 1, 200));
    check_call("recv", recv(ends[1], text, sizeof text, MSG_WAITALL | MSG_DONTWAIT));
    close(ends[0]);
    check_call("the end", epoll_wait(many, &told, 1, 200));
    check_value("it is", told.events);
    close(many);
    close(ends[1]);
}

static void families(void)
{
    struct sockaddr_storage address;
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT}, peer;
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size;
    char text[INET6_ADDRSTRLEN];
    const int server = listening(AF_INET6, &address, &size);
    six.sin6_port = four.sin_port = ((struct sockaddr_in6 *)&address)->sin6_port;
    int client = socket(AF_INET6, SOCK_STREAM, 0);
    check_call("connect by version 6", connect(client, (struct sockaddr *)&six, sizeof six));
    int other = accept(server, (struct sockaddr *)&peer, &(socklen_t){sizeof peer});
    check_text("from", inet_ntop(AF_INET6, &peer.sin6_addr, text, sizeof text));
    close(client);
    close(other);
    client = socket(AF_INET, SOCK_STREAM, 0);
    check_call("connect by version 4", connect(client, (struct sockaddr *)&four, sizeof four));
    other = accept(server, (struct sockaddr *)&peer, &(socklen_t){sizeof peer});
    check_text("from", inet_ntop(AF_INET6, &peer.sin6_addr, text, sizeof text));
    close(client);
    close(other);
    close(server);
    client = socket(AF_INET, SOCK_DGRAM, 0);
    check_call("an address of the other family",
               connect(client, (struct sockaddr *)&six, sizeof six));
    four.sin_addr.s_addr = htonl(0xc0000201);
    check_call("bind to what is not ours", bind(client, (struct sockaddr *)&four, sizeof four));
    close(client);
}

static void many(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    const int one = socket(AF_INET, SOCK_DGRAM, 0), other = socket(AF_INET, SOCK_DGRAM, 0);
    bind(one, (struct sockaddr *)&address, size);
    getsockname(one, (struct sockaddr *)&address, &size);
    connect(other, (struct sockaddr *)&address, size);
    char texts[3][8] = {"first", "second", "third"};
    struct iovec parts[3];
    struct mmsghdr messages[3] = {0};
    for (int i = 0; i < 3; i++) {
        parts[i] = (struct iovec){texts[i], strlen(texts[i])};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
    }
    check_call("sendmmsg", sendmmsg(other, messages, 3, 0));
    for (int i = 0; i < 3; i++)
        parts[i].iov_len = 5;
    memset(texts, 0, sizeof texts);
    check_call("recvmmsg", recvmmsg(one, messages, 3, MSG_WAITFORONE, NULL));
    for (int i = 0; i < 3; i++) {
        check_value("bytes", messages[i].msg_len);
        check_value("flags", messages[i].msg_hdr.msg_flags);
        check_text("what", texts[i]);
    }
    check_call("none", recvmmsg(one, messages, 3, MSG_DONTWAIT, NULL));
    const struct timeval most = {0, 30000};
    setsockopt(one, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    const long long before = now();
    check_call("SO_RCVTIMEO", recv(one, texts, 1, 0));
    check_true("it waited", now() - before >= 25 * MS);
    check_call("too large", sendto(other, texts, 70000, 0, NULL, 0));
    check_call("no memory", send(other, (void *)8, 10, 0));
    close(one);
    close(other);
}

static void option(const char *name, int file, int level, int number, int value)
{
    int found = -1;
    check_call(name, setsockopt(file, level, number, &value, sizeof value));
    check_call("and back", getsockopt(file, level, number, &found, &(socklen_t){sizeof found}));
    check_value("it is", found);
}

static void options(void)
{
    const int file = socket(AF_INET, SOCK_STREAM, 0), six = socket(AF_INET6, SOCK_STREAM, 0);
    option("SO_REUSEADDR", file, SOL_SOCKET, SO_REUSEADDR, 1);
    option("SO_KEEPALIVE", file, SOL_SOCKET, SO_KEEPALIVE, 1);
    option("SO_BROADCAST", file, SOL_SOCKET, SO_BROADCAST, 1);
    option("TCP_NODELAY", file, IPPROTO_TCP, TCP_NODELAY, 1);
    option("TCP_KEEPIDLE", file, IPPROTO_TCP, TCP_KEEPIDLE, 30);
    option("TCP_KEEPINTVL", file, IPPROTO_TCP, TCP_KEEPINTVL, 5);
    option("TCP_KEEPCNT", file, IPPROTO_TCP, TCP_KEEPCNT, 3);
    option("TCP_KEEPCNT of none", file, IPPROTO_TCP, TCP_KEEPCNT, 0);
    option("IPV6_V6ONLY", six, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    option("SO_DOMAIN", six, SOL_SOCKET, SO_DOMAIN, 1);
    option("SO_PROTOCOL", file, SOL_SOCKET, SO_PROTOCOL, 1);
    option("SO_ACCEPTCONN", file, SOL_SOCKET, SO_ACCEPTCONN, 1);
    const struct timeval most = {2, 500000};
    struct timeval found;
    check_call("SO_SNDTIMEO", setsockopt(file, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most));
    getsockopt(file, SOL_SOCKET, SO_SNDTIMEO, &found, &(socklen_t){sizeof found});
    check_true("it is kept", found.tv_sec == 2 && found.tv_usec == 500000);
    check_call("an option of too few bytes", setsockopt(file, SOL_SOCKET, SO_KEEPALIVE, &most, 1));
    check_call("an option from nowhere", setsockopt(file, SOL_SOCKET, SO_KEEPALIVE, (void *)8, 4));
    close(file);
    close(six);
}

int main(void)
{
    check_begin();
    paths();
    abstract();
    packets();
    files();
    halves();
    resets();
    held_back();
    edges();
    families();
    many();
    options();
    return 0;
}
