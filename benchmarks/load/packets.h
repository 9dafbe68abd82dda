// Socket.IO v5 in JSON and in the encoding of socket.io-msgpack-parser, as far as a load needs it.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "websocket.h"

typedef enum { RAW, JSON, MSGPACK } codec; // RAW: no Socket.IO, a frame is a message

typedef enum { OPEN, PING, CONNECTED, REFUSED, EVENT, ACK, ENDED, OTHER } packet_kind;

typedef struct {
    codec codec;
    const char *name_space; // "" is the main one
    const char *event;
    int text_bytes;
    int ask_for_ack;
} dialect;

enum { MAX_PACKET = 16384 };

// Stands before the time a message was sent in its text; no name, id or token of a server contains it.
#define MARK "~~"

packet_kind packet_kind_of(codec codec, const ws_frame *frame);

// CONNECT with a flat JSON map of plain strings (or none) as auth. Answers the length, 0 for auth that is no such map.
size_t packet_connect(uint8_t *out, const dialect *d, const char *auth);

// The event, its text marked with `sent_ns`, numbered for its ack. Answers the length.
size_t packet_event(uint8_t *out, const dialect *d, uint64_t sent_ns, uint32_t number);

// The number an ack answers.
uint32_t packet_ack_number(codec codec, const ws_frame *frame);
