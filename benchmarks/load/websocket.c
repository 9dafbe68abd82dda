#define _GNU_SOURCE
#include "websocket.h"

#include <stdio.h>
#include <string.h>

int ws_request(char *out, size_t size, const char *host, int port, const char *target) {
    return snprintf(out, size,
                    "GET %s HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
                    target, host, port);
}

int ws_answer(const uint8_t *data, size_t size) {
    const uint8_t *end = memmem(data, size, "\r\n\r\n", 4);
    if (!end) return size > 8192 ? -1 : 0;
    if (memcmp(data, "HTTP/1.1 101", 12) != 0) return -1;
    return (int)(end + 4 - data);
}

int ws_next(uint8_t *data, size_t size, ws_frame *frame) {
    if (size < 2) return 0;
    size_t head = 2;
    uint64_t length = data[1] & 127;
    if (length == 126) {
        if (size < (head = 4)) return 0;
        length = (uint64_t)data[2] << 8 | data[3];
    } else if (length == 127) {
        if (size < (head = 10)) return 0;
        length = 0;
        for (int i = 2; i < 10; i++) length = length << 8 | data[i];
    }
    if (size - head < length) return 0;
    *frame = (ws_frame){data[0] & 15, data + head, length, head + length};
    return 1;
}

size_t ws_masked(uint8_t *out, int opcode, const void *payload, size_t size, uint32_t mask) {
    size_t at = 0;
    uint8_t key[4];
    memcpy(key, &mask, sizeof key);
    out[at++] = (uint8_t)(0x80 | opcode);
    if (size < 126) {
        out[at++] = (uint8_t)(0x80 | size);
    } else {
        out[at++] = 0x80 | 126;
        out[at++] = (uint8_t)(size >> 8);
        out[at++] = (uint8_t)size;
    }
    memcpy(out + at, key, sizeof key);
    at += sizeof key;
    const uint8_t *from = payload;
    for (size_t i = 0; i < size; i++) out[at + i] = from[i] ^ key[i & 3];
    return at + size;
}
