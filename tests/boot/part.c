/* SPDX-License-Identifier: BSD-2-Clause */
/* One of several programs: does what its arguments say, one after the other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <unistd.h>

extern char **environ;

static int own_counter;

/* Copies standard input in upper case. */
static void copy(void)
{
    int character;
    while ((character = getchar()) != EOF)
        putchar(character >= 'a' && character <= 'z' ? character - 32 : character);
}

static void show_directory(void)
{
    char path[256];
    puts(getcwd(path, sizeof path) ? path : "nowhere");
}

static void show_variables(void)
{
    for (char **variable = environ; *variable; variable++)
        puts(*variable);
}

/* The loopback interface is up where somebody listens on it. */
static void listen_at(int port)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((unsigned short)port)};
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 1) != 0)
        perror("listen");
}

/* Ends with 4 unless the file is there, which it then is. */
static void fail_once(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file) {
        fclose(file);
        return;
    }
    fclose(fopen(path, "w"));
    exit(4);
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 1; i < argc; i++) {
        const char *value = strchr(argv[i], '=');
        if (strcmp(argv[i], "copy") == 0)
            copy();
        else if (strcmp(argv[i], "directory") == 0)
            show_directory();
        else if (strcmp(argv[i], "variables") == 0)
            show_variables();
        else if (strcmp(argv[i], "count") == 0)
            printf("%d\n", ++own_counter);
        else if (strcmp(argv[i], "sleep") == 0)
            usleep(300000);
        else if (strcmp(argv[i], "forever") == 0)
            for (;;)
                pause();
        else if (strcmp(argv[i], "abort") == 0)
            abort();
        else if (value && strncmp(argv[i], "status=", 7) == 0)
            return atoi(value + 1);
        else if (value && strncmp(argv[i], "touch=", 6) == 0)
            fclose(fopen(value + 1, "w"));
        else if (value && strncmp(argv[i], "listen=", 7) == 0)
            listen_at(atoi(value + 1));
        else if (value && strncmp(argv[i], "once=", 5) == 0)
            fail_once(value + 1);
        else
            puts(argv[i]);
    }
    return 0;
}
