/* vector_script.c - see vector_script.h. */
#include "vector_script.h"

#include <check.h>

/* Vectors: one character is one byte; appended to out. */
static void append_bytes(struct buffer *out, const json_t *text)
{
    const unsigned char *p = (const unsigned char *)json_string_value(text);

    for (size_t i = 0; i < json_string_length(text); i++) {
        char c = (char)p[i];

        if (p[i] >= 0xc0) { /* U+0080 to U+00FF: two bytes of UTF-8 */
            c = (char)(p[i] << 6 | (p[i + 1] & 0x3f));
            i++;
        }
        ck_assert_int_eq(buffer_append(out, &c, 1), MOX_OK);
    }
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
        append_bytes(out, answer);
    json_array_foreach(json_object_get(answer, "pieces"), i, piece) append_bytes(out, piece);
    if (json_is_string(json_object_get(answer, "send")))
        append_bytes(out, json_object_get(answer, "send"));
    return json_is_true(json_object_get(answer, "close"));
}
