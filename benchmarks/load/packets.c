#define _GNU_SOURCE
#include "packets.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const packet_kind SOCKETIO_KINDS[] = {CONNECTED, ENDED, EVENT, ACK, REFUSED, OTHER, OTHER};

static packet_kind socketio_kind(int type) { return type >= 0 && type <= 6 ? SOCKETIO_KINDS[type] : OTHER; }

packet_kind packet_kind_of(codec codec, const ws_frame *frame) {
    const uint8_t *p = frame->payload;
    if (codec == RAW) return EVENT;
    if (frame->opcode == WS_BINARY) {
        const uint8_t *type = frame->size > 6 ? memmem(p, frame->size, "\xa4type", 5) : NULL;
        return type ? socketio_kind(type[5]) : OTHER;
    }
    if (!frame->size) return OTHER;
    switch (p[0]) {
        case '0': return OPEN;
        case '1': return ENDED;
        case '2': return PING;
        case '4': return frame->size > 1 ? socketio_kind(p[1] - '0') : OTHER;
        default: return OTHER;
    }
}

// ---- msgpack ------------------------------------------------------------------------------------------------

static uint8_t *put_string(uint8_t *at, const char *text, size_t size) {
    if (size < 32) {
        *at++ = (uint8_t)(0xa0 | size);
    } else {
        *at++ = 0xda;
        *at++ = (uint8_t)(size >> 8);
        *at++ = (uint8_t)size;
    }
    memcpy(at, text, size);
    return at + size;
}

static uint8_t *put_word(uint8_t *at, const char *text) { return put_string(at, text, strlen(text)); }

static uint8_t *put_head(uint8_t *at, const dialect *d, int type, int fields) {
    *at++ = (uint8_t)(0x80 | fields);
    at = put_word(at, "type");
    *at++ = (uint8_t)type;
    at = put_word(at, "nsp");
    return put_word(at, *d->name_space ? d->name_space : "/");
}

// {"a": "b", ...} without escapes, copied string by string; the map's length is filled in last.
static uint8_t *put_map(uint8_t *at, const char *json) {
    uint8_t *head = at++;
    int strings = 0;
    for (const char *open; (open = strchr(json, '"')); strings++) {
        const char *close = strchr(open + 1, '"');
        if (!close || memchr(open, '\\', (size_t)(close - open))) return NULL;
        at = put_string(at, open + 1, (size_t)(close - open - 1));
        json = close + 1;
    }
    if (strings % 2 || strings > 30) return NULL;
    *head = (uint8_t)(0x80 | strings / 2);
    return at;
}

static uint8_t *put_number(uint8_t *at, uint32_t number) {
    *at++ = 0xce;
    for (int shift = 24; shift >= 0; shift -= 8) *at++ = (uint8_t)(number >> shift);
    return at;
}

static int is_number(uint8_t lead) { return lead < 0x80 || (lead >= 0xcc && lead <= 0xcf); }

static uint32_t read_number(const uint8_t *at, const uint8_t *end) {
    int bytes = *at < 0x80 ? 0 : 1 << (*at - 0xcc);
    uint64_t number = bytes ? 0 : *at;
    for (int i = 1; i <= bytes && at + i < end; i++) number = number << 8 | at[i];
    return (uint32_t)number;
}

// The packet's own id is a number; ids of things within its data are strings.
static uint32_t find_id(const uint8_t *at, const uint8_t *end) {
    while ((at = memmem(at, (size_t)(end - at), "\xa2id", 3)))
        if ((at += 3) < end && is_number(*at)) return read_number(at, end);
    return 0;
}

// ---- packets ------------------------------------------------------------------------------------------------

static int json_head(char *out, const dialect *d, int type) {
    return sprintf(out, *d->name_space ? "4%d%s," : "4%d%s", type, d->name_space);
}

size_t packet_connect(uint8_t *out, const dialect *d, const char *auth) {
    if (strlen(auth) > MAX_PACKET - 256) return 0;
    if (d->codec == JSON) {
        int n = json_head((char *)out, d, 0);
        return (size_t)(n + sprintf((char *)out + n, "%s", auth));
    }
    uint8_t *at = put_head(out, d, 0, *auth ? 3 : 2);
    if (*auth) at = put_map(put_word(at, "data"), auth);
    return at ? (size_t)(at - out) : 0;
}

static size_t marked_text(char *out, const dialect *d, uint64_t sent_ns) {
    int n = sprintf(out, MARK "%" PRIu64 "~", sent_ns);
    while (n < d->text_bytes) out[n] = (n % 6) ? (char)('a' + n % 7) : ' ', n++;
    if (out[n - 1] == ' ') out[n - 1] = '.';
    out[n] = 0;
    return (size_t)n;
}

size_t packet_event(uint8_t *out, const dialect *d, uint64_t sent_ns, uint32_t number) {
    char text[MAX_PACKET / 2];
    size_t size = marked_text(text, d, sent_ns);
    if (d->codec == RAW) {
        memcpy(out, text, size);
        return size;
    }
    if (d->codec == JSON) {
        int n = json_head((char *)out, d, 2);
        if (d->ask_for_ack) n += sprintf((char *)out + n, "%" PRIu32, number);
        return (size_t)(n + sprintf((char *)out + n, "[\"%s\",{\"text\":\"%s\"}]", d->event, text));
    }
    uint8_t *at = put_head(out, d, 2, d->ask_for_ack ? 4 : 3);
    if (d->ask_for_ack) at = put_number(put_word(at, "id"), number);
    at = put_word(at, "data");
    *at++ = 0x92;
    at = put_word(at, d->event);
    *at++ = 0x81;
    at = put_word(at, "text");
    return (size_t)(put_string(at, text, size) - out);
}

uint32_t packet_ack_number(codec codec, const ws_frame *frame) {
    const uint8_t *p = frame->payload, *end = p + frame->size;
    if (codec == MSGPACK) return find_id(p, end);
    if (frame->size < 3) return 0;
    p += 2;
    if (*p == '/' && !(p = memchr(p, ',', (size_t)(end - p)))) return 0;
    return (uint32_t)strtoul((const char *)p + (*p == ','), NULL, 10);
}
