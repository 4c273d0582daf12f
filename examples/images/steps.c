/* SPDX-License-Identifier: BSD-2-Clause */
/* One program under three names, see three.rumprun-bake. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Says that it serves, and does until it is asked to end. */
static int serve(const char *ready)
{
    puts("server: about to serve");
    fflush(stdout);
    sleep(1);
    FILE *file = fopen(ready, "w");
    if (!file)
        return 1;
    fputs("one two three\n", file);
    fclose(file);
    for (;;)
        pause();
}

/* Fails at first, and then passes on what the server said. */
static int ask(const char *ready, const char *asked)
{
    char line[64];
    FILE *before = fopen(asked, "r"), *file = fopen(ready, "r");
    if (!before) {
        before = fopen(asked, "w");
        if (before)
            fclose(before);
        return 1;
    }
    if (!file || !fgets(line, sizeof line, file))
        return 1;
    fputs(line, stdout);
    return 0;
}

static int count(void)
{
    int character, words = 0, inside = 0;
    while ((character = getchar()) != EOF) {
        const int letter = character != ' ' && character != '\n';
        words += letter && !inside;
        inside = letter;
    }
    printf("count: %d words\n", words);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "serve") == 0)
        return serve(argv[2]);
    if (argc == 4 && strcmp(argv[1], "ask") == 0)
        return ask(argv[2], argv[3]);
    if (argc == 2 && strcmp(argv[1], "count") == 0)
        return count();
    fprintf(stderr, "usage: steps serve FILE|ask FILE FILE|count\n");
    return 2;
}
