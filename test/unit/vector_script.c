/* vector_script.c - see vector_script.h. */
#include "vector_script.h"

#include <string.h>

#include <check.h>

size_t vector_bytes(const char *text, size_t len, char *out)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        bool two = p[i] >= 0xc0; /* U+0080 to U+00FF in UTF-8 */

        ck_assert(p[i] < 0xc4);
        out[n++] = (char)(two ? (p[i] & 3) << 6 | (p[i + 1] & 0x3f) : p[i]);
        i += two;
    }
    return n;
}

void vector_append(struct buffer *out, const json_t *text)
{
    size_t len = json_string_length(text);
    char *room = buffer_room(out, len);

    ck_assert_ptr_nonnull(room);
    buffer_grown(out, vector_bytes(json_string_value(text), len, room));
}

bool vector_answer(const json_t *script, const char *verb, size_t turn, const char *usual,
                   struct buffer *out)
{
    const json_t *answer = json_object_get(script, verb), *piece;
    size_t i;

    if (json_is_array(answer))
        answer = json_array_get(
            answer, turn < json_array_size(answer) ? turn : json_array_size(answer) - 1);
    if (answer == NULL)
        buffer_append_text(out, usual);
    else if (json_is_string(answer))
        vector_append(out, answer);
    json_array_foreach(json_object_get(answer, "pieces"), i, piece) vector_append(out, piece);
    if (json_is_string(json_object_get(answer, "send")))
        vector_append(out, json_object_get(answer, "send"));
    return json_is_true(json_object_get(answer, "close"));
}

const char *vector_why(const struct vector_departure *list, const json_t *c)
{
    const char *id = json_string_value(json_object_get(c, "id"));

    while (list->id != NULL && strcmp(list->id, id) != 0)
        list++;
    return list->why;
}

bool vector_departs(const struct vector_departure *list, const json_t *c, bool departs)
{
    const char *id = json_string_value(json_object_get(c, "id")), *why = vector_why(list, c);

    ck_assert_msg(!departs || why != NULL, "%s departs, and nothing says that this is meant", id);
    ck_assert_msg(departs || why == NULL, "%s departs no more (%s)", id, why);
    ck_assert_msg(!departs || why[0] == 'D' || json_object_get(c, "also") != NULL,
                  "%s departs by no row, and its vector does not allow it", id);
    return departs;
}

void vector_all_met(const struct vector_departure *list, size_t departed)
{
    size_t n = 0;

    while (list[n].id != NULL)
        n++;
    ck_assert_msg(departed == n, "%zu cases depart, and %zu are meant to", departed, n);
}
