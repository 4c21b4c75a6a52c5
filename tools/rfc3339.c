/*
 * rfc3339.c - see rfc3339.h. By hand, because strptime and timegm are not what POSIX promises to
 * work for offsets and for years before 1970.
 */
#include "rfc3339.h"

#include <stdio.h>
#include <time.h>

/* Exactly `digits` digits, no more than max; *text moves behind them. -1: something else. */
static int take_number(const char **text, int digits, int max)
{
    int value = 0;

    for (int i = 0; i < digits; i++, ++*text) {
        if (**text < '0' || **text > '9')
            return -1;
        value = 10 * value + (**text - '0');
    }
    return value <= max ? value : -1;
}

static bool take_char(const char **text, char upper, char other)
{
    if (**text != upper && **text != other)
        return false;
    ++*text;
    return true;
}

/* Days from 1970-01-01 in the Gregorian calendar; the year is taken to begin in March. */
static int64_t days_of_date(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
    int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int days_of_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}

static bool take_date(const char **text, int64_t *days)
{
    int year = take_number(text, 4, 9999);
    bool dash = year >= 0 && take_char(text, '-', '-');
    int month = dash ? take_number(text, 2, 12) : -1;
    int day = month > 0 && take_char(text, '-', '-') ? take_number(text, 2, 31) : -1;

    if (day < 1 || day > days_of_month(year, month))
        return false;
    *days = days_of_date(year, month, day);
    return true;
}

static bool take_clock(const char **text, int32_t *seconds)
{
    int hour = take_number(text, 2, 23);
    int minute = hour >= 0 && take_char(text, ':', ':') ? take_number(text, 2, 59) : -1;
    int second = minute >= 0 && take_char(text, ':', ':') ? take_number(text, 2, 60) : -1;

    if (second < 0)
        return false;
    if (**text == '.') {
        ++*text;
        if (take_number(text, 1, 9) < 0)
            return false;
        while (take_number(text, 1, 9) >= 0)
            continue;
    }
    *seconds = hour * 3600 + minute * 60 + second;
    return true;
}

static bool take_offset(const char **text, int32_t *seconds)
{
    int sign = **text == '-' ? -1 : 1;
    int hour, minute;

    *seconds = 0;
    if (take_char(text, 'Z', 'z'))
        return true;
    if (!take_char(text, '+', '-'))
        return false;
    hour = take_number(text, 2, 23);
    minute = hour >= 0 && take_char(text, ':', ':') ? take_number(text, 2, 59) : -1;
    *seconds = sign * (hour * 3600 + minute * 60);
    return minute >= 0;
}

bool rfc3339_parse(const char *text, int64_t *unix_s, int32_t *utc_offset_s)
{
    int64_t days;
    int32_t seconds;

    if (!take_date(&text, &days))
        return false;
    if (!take_char(&text, 'T', 't') && !take_char(&text, ' ', ' '))
        return false;
    if (!take_clock(&text, &seconds) || !take_offset(&text, utc_offset_s) || *text != '\0')
        return false;
    *unix_s = days * 86400 + seconds - *utc_offset_s;
    return true;
}

const char *rfc3339_format(int64_t unix_s, char out[RFC3339_TEXT])
{
    time_t time = (time_t)unix_s;
    struct tm utc;

    out[0] = '\0';
    if (gmtime_r(&time, &utc) != NULL)
        strftime(out, RFC3339_TEXT, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return out;
}

void rfc3339_now(int64_t *unix_s, int32_t *utc_offset_s)
{
    time_t now = time(NULL);
    char zone[8] = "+0000";
    const char *at = zone + 1;
    struct tm local;
    int hour, minute;

    *unix_s = (int64_t)now;
    *utc_offset_s = 0;
    if (localtime_r(&now, &local) == NULL || strftime(zone, sizeof zone, "%z", &local) == 0)
        return;
    hour = take_number(&at, 2, 23);
    minute = hour >= 0 ? take_number(&at, 2, 59) : -1;
    if (minute >= 0)
        *utc_offset_s = (zone[0] == '-' ? -1 : 1) * (hour * 3600 + minute * 60);
}
