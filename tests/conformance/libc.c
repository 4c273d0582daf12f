/* SPDX-License-Identifier: BSD-2-Clause */
/* The C library over the calls: streams, texts, numbers, wide characters, patterns, conversions. */
#define _GNU_SOURCE
#include <errno.h>
#include <fnmatch.h>
#include <ftw.h>
#include <glob.h>
#include <iconv.h>
#include <inttypes.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <regex.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

#include "check.h"

static void streams(void)
{
    char text[100] = "", *line = NULL;
    size_t room = 0;
    FILE *file = fopen("stream", "w+");
    check_true("fopen", file != NULL);
    check_value("fprintf", fprintf(file, "%s %d\n%5.2f|%-6s|%06x\n", "one", 2, 3.14159, "left", 0xabc));
    check_value("ftell", ftell(file));
    rewind(file);
    check_text("fgets", fgets(text, sizeof text, file));
    check_value("getline", getline(&line, &room, file));
    check_text("it is", line);
    check_value("getc at the end", getc(file));
    check_true("feof", feof(file));
    check_value("fseek", fseek(file, 4, SEEK_SET));
    int number = 0;
    check_value("fscanf", fscanf(file, "%d", &number));
    check_value("it is", number);
    check_value("ungetc", ungetc('!', file));
    check_value("getc", getc(file));
    check_value("fclose", fclose(file));
    file = fopen("stream", "a");
    check_value("fputs to the end", fputs("end\n", file));
    fclose(file);
    struct stat facts;
    stat("stream", &facts);
    check_value("the size", (long)facts.st_size);
    check_true("fopen of nothing", fopen("none/none", "r") == NULL);
    check_value("errno", errno == ENOENT);
    file = fopen("large", "w");
    for (int i = 0; i < 20000; i++)
        fprintf(file, "%d\n", i);
    fclose(file);
    file = fopen("large", "r");
    long sum = 0;
    while (fscanf(file, "%d", &number) == 1)
        sum += number;
    fclose(file);
    check_value("what was written, summed up", sum);
    file = tmpfile();
    check_true("tmpfile", file && fputs("x", file) >= 0);
    fclose(file);
    char name[] = "/tmp/libc/XXXXXX";
    check_done("mkstemp", mkstemp(name));
    check_true("its name", strcmp(name, "/tmp/libc/XXXXXX") != 0);
    char *grown = NULL;
    file = open_memstream(&grown, &room);
    fprintf(file, "in %s", "memory");
    fclose(file);
    check_text("open_memstream", grown);
    check_value("remove", remove("large"));
}

static void numbers(void)
{
    char text[200];
    int got[3] = {1000};
    snprintf(text, sizeof text, "%a %g %e %.20Lf", 1.0 / 3, 1e100, 12345.678, 0.1L);
    check_text("printf of floats", text);
    snprintf(text, sizeof text, "%" PRId64 " %zu %hhd %+d %#o %p", INT64_MIN, (size_t)7, (char)300, 5, 8,
             NULL);
    check_text("printf of integers", text);
    check_value("snprintf with little room", snprintf(text, 4, "%d", 123 * got[0] + 4000));
    check_text("what fits", text);
    char *end;
    check_value("strtol", strtol("0x7fz", &end, 0));
    check_text("what is left", end);
    errno = 0;
    check_true("strtol of too much", strtol("99999999999999999999", NULL, 10) == LONG_MAX);
    check_error("errno", errno);
    check_true("strtod", strtod("1.5e3", NULL) == 1500.0);
    check_true("nan", isnan(strtod("nan", NULL)));
    snprintf(text, sizeof text, "%.15g %.15g %.15g", sin(1.0), exp(1.0), pow(2.0, 0.5));
    check_text("mathematics", text);
    snprintf(text, sizeof text, "%.15g %.15g", fmod(10.5, 3.0), cbrt(27.0));
    check_text("more of it", text);
    check_value("sscanf", sscanf("1,2,0x3", "%d,%d,%i", &got[0], &got[1], &got[2]));
    check_value("the last", got[2]);
    srand(1);
    const int one = rand();
    srand(1);
    check_true("rand begins again", one == rand());
}

static int by_number(const void *one, const void *other)
{
    return *(const int *)one - *(const int *)other;
}

static void searching(void)
{
    static int values[10000];
    for (int i = 0; i < 10000; i++)
        values[i] = i * 7919 % 10007;
    qsort(values, 10000, sizeof *values, by_number);
    bool sorted = true;
    for (int i = 1; i < 10000; i++)
        sorted = sorted && values[i - 1] <= values[i];
    check_true("qsort", sorted);
    const int key = 5000;
    check_true("bsearch", bsearch(&key, values, 10000, sizeof *values, by_number) != NULL);
    regex_t pattern;
    regmatch_t match[3];
    check_value("regcomp", regcomp(&pattern, "([a-z]+)-([0-9]{2,3})$", REG_EXTENDED));
    check_value("regexec", regexec(&pattern, "x abc-123", 3, match, 0));
    check_value("where", match[1].rm_so);
    check_value("the second's end", match[2].rm_eo);
    check_value("regexec of another", regexec(&pattern, "abc-1", 3, match, 0));
    check_value("regcomp of none", regcomp(&pattern, "([a-z", REG_EXTENDED) != 0);
    check_value("fnmatch", fnmatch("*.[ch]", "check.c", 0));
    check_value("fnmatch of another", fnmatch("*.[ch]", "check.o", 0));
    glob_t found;
    check_value("glob", glob("/tmp/libc/str*", 0, NULL, &found));
    check_text("it is", found.gl_pathc ? found.gl_pathv[0] : "nothing");
    globfree(&found);
    hcreate(10);
    hsearch((ENTRY){"key", "data"}, ENTER);
    const ENTRY *entry = hsearch((ENTRY){"key", NULL}, FIND);
    check_text("hsearch", entry ? entry->data : "nothing");
}

static void wide(void)
{
    check_text("setlocale", setlocale(LC_ALL, "C.UTF-8") ? "done" : "refused");
    check_text("its characters", nl_langinfo(CODESET));
    wchar_t characters[20];
    check_value("mbstowcs", (long)mbstowcs(characters, "na\303\257ve \342\202\254", 20));
    check_value("the third", characters[2]);
    check_value("the last", characters[6]);
    char text[40];
    check_value("wcstombs", (long)wcstombs(text, L"\u20ac\u00fc", sizeof text));
    check_value("of what is none", (long)mbstowcs(characters, "\377\376", 20));
    check_error("errno", errno);
    check_value("towupper", towupper(L'\u00e4'));
    check_true("iswalpha", iswalpha(L'\u00e4') && !iswalpha(L'\u20ac'));
    check_value("wcwidth", wcwidth(L'\u4e2d'));
    check_value("wcslen", (long)wcslen(L"four"));
    swprintf(characters, 20, L"%ls %d", L"wide", 5);
    check_value("swprintf", (long)wcstombs(text, characters, sizeof text));
    check_text("it is", text);
    iconv_t conversion = iconv_open("UTF-16BE", "UTF-8");
    char in[] = "\303\251x", out[10], *from = in, *to = out;
    size_t left = 3, room = sizeof out;
    check_value("iconv", (long)iconv(conversion, &from, &left, &to, &room));
    check_value("how much it takes", (long)(sizeof out - room));
    check_true("what", memcmp(out, "\0\351\0x", 4) == 0);
    iconv_close(conversion);
    conversion = iconv_open("ISO-8859-1", "UTF-8");
    from = in, to = out, left = 3, room = sizeof out;
    check_value("iconv", (long)iconv(conversion, &from, &left, &to, &room));
    check_true("what", memcmp(out, "\351x", 2) == 0);
    iconv_close(conversion);
    check_done("iconv of none", iconv_open("none", "UTF-8") == (iconv_t)-1 ? -1 : 0);
}

static int visited;
static int visit(const char *path, const struct stat *facts, int kind, struct FTW *place)
{
    (void)path, (void)facts, (void)place;
    visited += kind == FTW_D ? 100 : 1;
    return 0;
}

static void texts(void)
{
    char text[60] = "one,two,,three", *rest = text, *part;
    int parts = 0;
    while ((part = strsep(&rest, ",")))
        parts++;
    check_value("strsep", parts);
    check_text("strerror", strerror(EAGAIN));
    check_text("strsignal", strsignal(11));
    check_value("strcasecmp", strcasecmp("ABC", "abc"));
    check_text("strstr", strstr("a needle in hay", "needle"));
    check_true("memmem", memmem("abcdef", 6, "cd", 2) != NULL);
    struct tm parts_of = {.tm_year = 100, .tm_mon = 1, .tm_mday = 30};
    check_value("timegm of 30 February", timegm(&parts_of));
    strftime(text, sizeof text, "%A %d %B %Y %j", &parts_of);
    check_text("strftime", text);
    check_text("strptime", strptime("2024-02-29", "%Y-%m-%d", &parts_of) ? "done" : "refused");
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    tzset();
    const time_t summer = 1720000000;
    strftime(text, sizeof text, "%H:%M %Z", localtime(&summer));
    check_text("a time zone", text);
    mkdir("walk", 0755);
    mkdir("walk/below", 0755);
    fclose(fopen("walk/below/file", "w"));
    check_value("nftw", nftw("walk", visit, 5, FTW_PHYS));
    check_value("visited", visited);
    check_value("getopt", getopt(2, (char *[]){"x", "-a", NULL}, "a"));
    char path[] = "/a/b/c";
    check_text("basename", strrchr(path, '/'));
    check_true("confstr", confstr(_CS_PATH, text, sizeof text) > 0);
}

int main(void)
{
    check_begin();
    if (mkdir("/tmp/libc", 0755) != 0 || chdir("/tmp/libc") != 0)
        return 1;
    streams();
    numbers();
    searching();
    wide();
    texts();
    return 0;
}
