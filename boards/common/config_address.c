/* SPDX-License-Identifier: BSD-2-Clause */
/* IP addresses as RFC 4291 and dotted decimals write them: no zeros in front, no scopes. */
#include <string.h>

#include "config_reader.h"

#define GROUPS 8

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool parse_inet(const char *text, size_t length, uint8_t bytes[4])
{
    const char *const end = text + length;
    for (int i = 0; i < 4; i++) {
        if (i > 0 && (text == end || *text++ != '.'))
            return false;
        const char *const start = text;
        unsigned value = 0;
        while (text < end && is_digit(*text) && text - start < 3)
            value = value * 10 + (unsigned)(*text++ - '0');
        if (text == start || value > 255 || (*start == '0' && text - start > 1))
            return false;
        bytes[i] = (uint8_t)value;
    }
    return text == end;
}

/* Up to four hexadecimal digits at text, before end; returns how many. */
static size_t parse_group(const char *text, const char *end, uint8_t bytes[2])
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    unsigned value = 0;
    size_t length = 0;
    for (; text + length < end && length < 4; length++) {
        const char *digit = memchr(digits, text[length], sizeof digits - 1);
        if (!digit)
            break;
        value = value * 16 + (unsigned)((digit - digits) & 15);
    }
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)value;
    return length;
}

/* Puts the zeros that "::" stands for behind the first gap groups; GROUPS + 1: there is no gap. */
static bool fill_gap(uint8_t bytes[16], size_t count, size_t gap)
{
    if (gap > GROUPS)
        return count == GROUPS;
    if (count == GROUPS)
        return false;
    const size_t behind = (count - gap) * 2, missing = (GROUPS - count) * 2;
    memmove(bytes + gap * 2 + missing, bytes + gap * 2, behind);
    memset(bytes + gap * 2, 0, missing);
    return true;
}

static bool parse_inet6(const char *text, size_t length, uint8_t bytes[16])
{
    const char *const end = text + length;
    size_t count = 0, gap = GROUPS + 1;
    if (length >= 2 && text[0] == ':' && text[1] == ':') {
        gap = 0;
        text += 2;
    }
    while (text < end) {
        const size_t left = (size_t)(end - text);
        if (!memchr(text, ':', left) && memchr(text, '.', left)) {
            /* The last two groups may be written as an address of IPv4. */
            if (count > GROUPS - 2 || !parse_inet(text, left, bytes + count * 2))
                return false;
            count += 2;
            break;
        }
        const size_t digits = count < GROUPS ? parse_group(text, end, bytes + count * 2) : 0;
        if (digits == 0)
            return false;
        count++;
        text += digits;
        if (text == end)
            break;
        if (*text++ != ':' || text == end)
            return false;
        if (*text == ':') {
            if (gap <= GROUPS)
                return false;
            gap = count;
            text++;
        }
    }
    return fill_gap(bytes, count, gap);
}

bool config_parse_address(const char *text, size_t length, enum config_family family,
                          uint8_t bytes[16])
{
    memset(bytes, 0, 16);
    return family == CONFIG_INET ? parse_inet(text, length, bytes)
                                 : parse_inet6(text, length, bytes);
}
