/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Takes all there is of what its argument names, and says whether it was refused as it should be:
 * memory, touched (which ends it) or mapped; descriptors; threads. "patient" waits until
 * that is over, then works as if nothing had been; "over" says when, and waits for it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MOST_THREADS 100000

static int memory(void)
{
    for (size_t total = 0;; total += 1 << 20) {
        char *taken = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (taken == MAP_FAILED)
            return errno == ENOMEM && total > 0 ? 0 : 3;
        memset(taken, 'x', 1 << 20);
    }
}

static int files(void)
{
    static char lot[1 << 20];
    const int file = open("/tmp/large", O_CREAT | O_RDWR, 0600);
    ssize_t written;
    while ((written = write(file, lot, sizeof lot)) > 0)
        continue;
    const int error = errno;
    close(file);
    unlink("/tmp/large");
    return error == ENOSPC || error == ENOMEM ? 0 : 3;
}

static int descriptors(void)
{
    int count = 0;
    while (open("/dev/null", O_RDONLY) >= 0)
        count++;
    return errno == EMFILE && count > 100 ? 0 : 3;
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void *wait_at_gate(void *with)
{
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    return with;
}

static int threads(void)
{
    static pthread_t made[MOST_THREADS];
    int count = 0, error = 0;
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 16384);
    pthread_mutex_lock(&gate);
    while (count < MOST_THREADS && !(error = pthread_create(&made[count], &small, wait_at_gate, NULL)))
        count++;
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < count; i++)
        pthread_join(made[i], NULL);
    /* What they had is free again. */
    if (pthread_create(&made[0], &small, wait_at_gate, NULL))
        return 4;
    pthread_join(made[0], NULL);
    return error == EAGAIN && count > 200 ? 0 : 3;
}

static void *nothing(void *with) { return with; }

static int mark(const char *path) { return close(open(path, O_CREAT | O_RDWR, 0600)); }

static int patient(void)
{
    while (access("/tmp/over", F_OK) != 0)
        usleep(10000);
    pthread_t thread;
    char *block = malloc(1 << 20);
    if (!block || pthread_create(&thread, NULL, nothing, NULL))
        return 5;
    memset(block, 'x', 1 << 20);
    pthread_join(thread, NULL);
    puts("all is well");
    fflush(stdout);
    return mark("/tmp/well");
}

static int over(void)
{
    const int failed = mark("/tmp/over");
    while (!failed && access("/tmp/well", F_OK) != 0)
        usleep(10000);
    return failed;
}

static const struct {
    const char *name;
    int (*take)(void);
} all[] = {
    {"memory", memory},   {"files", files},     {"descriptors", descriptors},
    {"threads", threads}, {"patient", patient}, {"over", over},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof all / sizeof *all; i++)
        if (strcmp(argv[1], all[i].name) == 0) {
            const int status = all[i].take();
            printf("%s: %d\n", argv[1], status);
            return status;
        }
    return 2;
}
