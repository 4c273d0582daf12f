/* SPDX-License-Identifier: BSD-2-Clause */
/* Strings and formatted text. memcpy and memset are in copy.S. */
#include "base.h"

void *memmove(void *to, const void *from, size_t size)
{
    char *target = to;
    const char *source = from;
    if (target <= source || target >= source + size)
        return memcpy(to, from, size);
    while (size--)
        target[size] = source[size];
    return to;
}

int memcmp(const void *one, const void *other, size_t size)
{
    const unsigned char *a = one, *b = other;
    for (size_t i = 0; i < size; i++) {
        if (a[i] != b[i])
            return a[i] - b[i];
    }
    return 0;
}

void *memchr(const void *bytes, int byte, size_t size)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i < size; i++) {
        if (p[i] == (unsigned char)byte)
            return (void *)(uintptr_t)(p + i);
    }
    return NULL;
}

size_t strnlen(const char *string, size_t size)
{
    size_t length = 0;
    while (length < size && string[length])
        length++;
    return length;
}

size_t strlen(const char *string)
{
    return strnlen(string, SIZE_MAX);
}

int strncmp(const char *one, const char *other, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (one[i] != other[i] || !one[i])
            return (unsigned char)one[i] - (unsigned char)other[i];
    }
    return 0;
}

int strcmp(const char *one, const char *other)
{
    return strncmp(one, other, SIZE_MAX);
}

char *strchr(const char *string, int byte)
{
    return memchr(string, byte, strlen(string) + 1);
}

char *strrchr(const char *string, int byte)
{
    for (size_t i = strlen(string) + 1; i-- > 0;) {
        if (string[i] == (char)byte)
            return (char *)(uintptr_t)(string + i);
    }
    return NULL;
}

char *strstr(const char *string, const char *part)
{
    const size_t length = strlen(part);
    for (; strnlen(string, length) == length; string++) {
        if (memcmp(string, part, length) == 0)
            return (char *)(uintptr_t)string;
    }
    return NULL;
}

size_t strcspn(const char *string, const char *bytes)
{
    size_t length = 0;
    while (string[length] && !memchr(bytes, string[length], strlen(bytes)))
        length++;
    return length;
}

size_t strspn(const char *string, const char *bytes)
{
    size_t length = 0;
    while (string[length] && memchr(bytes, string[length], strlen(bytes)))
        length++;
    return length;
}

/* What is written so far, which may be more than there is room for. */
struct output {
    char *buffer;
    size_t size, length;
};

static void put(struct output *output, char byte)
{
    if (output->length + 1 < output->size)
        output->buffer[output->length] = byte;
    output->length++;
}

/* One conversion: flags, width, precision (-1: none), length (-2 hh, -1 h, 0, 1 l or z or ll). */
struct conversion {
    bool left, zeros;
    int width, precision, length;
};

static void put_padded(struct output *output, const struct conversion *how, const char *sign,
                       const char *text, size_t length, size_t zeros)
{
    const size_t whole = strlen(sign) + zeros + length;
    size_t blanks = how->width > 0 && (size_t)how->width > whole ? (size_t)how->width - whole : 0;
    for (; blanks && !how->left; blanks--)
        put(output, ' ');
    for (const char *p = sign; *p; p++)
        put(output, *p);
    for (size_t i = 0; i < zeros; i++)
        put(output, '0');
    for (size_t i = 0; i < length; i++)
        put(output, text[i]);
    for (; blanks; blanks--)
        put(output, ' ');
}

static void put_number(struct output *output, const struct conversion *how, uint64_t value,
                       unsigned base, const char *sign, char form)
{
    const char *const digits = form == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    char text[24];
    size_t place = sizeof text;
    for (; value; value /= base)
        text[--place] = digits[value % base];
    const size_t length = sizeof text - place;
    size_t least = how->precision < 0 ? 1 : (size_t)how->precision;
    if (how->zeros && !how->left && how->precision < 0 && how->width > 0)
        least = MAX(least, (size_t)how->width - MIN((size_t)how->width, strlen(sign)));
    put_padded(output, how, sign, text + place, length, least > length ? least - length : 0);
}

static uint64_t take_number(va_list *arguments, int length, bool is_signed)
{
    if (length == 1)
        return va_arg(*arguments, uint64_t);
    const unsigned value = va_arg(*arguments, unsigned);
    if (!is_signed)
        return length == -2 ? (unsigned char)value : length == -1 ? (unsigned short)value : value;
    return (uint64_t)(length == -2   ? (signed char)value
                      : length == -1 ? (short)value
                                     : (int)value);
}

static void put_string(struct output *output, const struct conversion *how, const char *text)
{
    text = text ? text : "(null)";
    const size_t most = how->precision < 0 ? SIZE_MAX : (size_t)how->precision;
    put_padded(output, how, "", text, strnlen(text, most), 0);
}

static void convert(struct output *output, struct conversion *how, char form, va_list *arguments)
{
    if (form == 's') {
        put_string(output, how, va_arg(*arguments, const char *));
    } else if (form == 'c') {
        const char byte = (char)va_arg(*arguments, int);
        put_padded(output, how, "", &byte, 1, 0);
    } else if (form == 'd' || form == 'i') {
        const int64_t value = (int64_t)take_number(arguments, how->length, true);
        const uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
        put_number(output, how, size, 10, value < 0 ? "-" : "", form);
    } else if (form == 'p') {
        put_number(output, how, va_arg(*arguments, uint64_t), 16, "0x", form);
    } else if (form == 'u' || form == 'x' || form == 'X' || form == 'o') {
        const unsigned base = form == 'u' ? 10 : form == 'o' ? 8 : 16;
        put_number(output, how, take_number(arguments, how->length, false), base, "", form);
    } else {
        put(output, form);
    }
}

static int take_width(const char **format, va_list *arguments)
{
    int width = 0;
    if (**format == '*') {
        ++*format;
        return va_arg(*arguments, int);
    }
    for (; **format >= '0' && **format <= '9' && width < 1000000; ++*format)
        width = width * 10 + (**format - '0');
    return width;
}

static struct conversion take_conversion(const char **format, va_list *arguments)
{
    struct conversion how = {.precision = -1};
    for (; **format == '-' || **format == '0'; ++*format) {
        how.left |= **format == '-';
        how.zeros |= **format == '0';
    }
    how.width = take_width(format, arguments);
    if (how.width < 0) {
        how.left = true;
        how.width = -how.width;
    }
    if (**format == '.') {
        ++*format;
        how.precision = take_width(format, arguments);
    }
    for (; **format == 'h' || **format == 'l' || **format == 'z'; ++*format)
        how.length = **format == 'h' ? how.length - 1 : 1;
    return how;
}

int vsnprintf(char *buffer, size_t size, const char *format, va_list arguments)
{
    struct output output = {.buffer = buffer, .size = size};
    va_list rest;
    va_copy(rest, arguments);
    for (; *format; format++) {
        if (*format != '%') {
            put(&output, *format);
            continue;
        }
        format++;
        struct conversion how = take_conversion(&format, &rest);
        if (!*format)
            break;
        convert(&output, &how, *format, &rest);
    }
    va_end(rest);
    if (size)
        buffer[MIN(output.length, size - 1)] = '\0';
    return (int)output.length;
}

int snprintf(char *buffer, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(buffer, size, format, arguments);
    va_end(arguments);
    return length;
}
