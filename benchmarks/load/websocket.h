// RFC 6455 as a client needs it, over bytes somebody else reads and writes.
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };
enum { WS_MAX_HEADER = 14 };

typedef struct {
    int opcode;
    uint8_t *payload;
    size_t size;
    size_t wire; // with its header
} ws_frame;

// The upgrade request for `target`. Answers its length.
int ws_request(char *out, size_t size, const char *host, int port, const char *target);

// The length of a complete HTTP answer's head: 0 when more must be read, -1 for a refusal.
int ws_answer(const uint8_t *data, size_t size);

// The next frame of a server (never masked, never fragmented here). 1: there is one, 0: more must be read.
int ws_next(uint8_t *data, size_t size, ws_frame *frame);

// A masked frame of at most 65535 bytes of payload into `out`, which has room for WS_MAX_HEADER more. Answers its length.
size_t ws_masked(uint8_t *out, int opcode, const void *payload, size_t size, uint32_t mask);
