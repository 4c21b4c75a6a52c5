/* reserve.c - see reserve.h. The count may be over, by items that are no domains. */
#include "config/reserve.h"

#include "base/mem.h"

enum { LARGE = 1 << 20, NAME_EXTRA = 3 /* length, NUL, and one for a text that ends the file */ };

struct room {
    size_t routes, items, names;
};

static void count_line(struct slice line, struct room *room)
{
    size_t tabs = 0;

    while (tabs < line.len && line.ptr[tabs] == '\t')
        tabs++;
    if (tabs == line.len)
        return;
    if (line.ptr[tabs] == 'T') {
        room->routes += slice_starts(slice_sub(line, tabs, line.len), "Transport:");
    } else if (line.ptr[tabs] == '-' && line.len > tabs + 2) {
        room->items++;
        room->names += line.len - tabs - 2 + NAME_EXTRA;
    }
}

static void reserve(struct buffer *array, size_t bytes)
{
    if (array->ptr != NULL || bytes == 0)
        return;
    array->ptr = mem_resize(NULL, bytes, 1);
    array->cap = array->ptr == NULL ? 0 : bytes;
}

void config_reserve_routes(struct build *b, struct slice text)
{
    struct room room = {0};

    if (text.len < LARGE)
        return;
    for (size_t at = 0; at < text.len;) {
        struct slice rest = slice_sub(text, at, text.len);
        size_t len = slice_find(rest, '\n');

        count_line(slice_sub(rest, 0, len), &room);
        at += len + 1;
    }
    reserve(&b->routes, room.routes * sizeof b->route);
    reserve(&b->items, room.items * sizeof(uint32_t));
    reserve(&b->names, room.names);
}
