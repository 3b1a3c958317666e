/* What a reader receives: the response head, then frames or an event stream, whose events are counted. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum state { WAITING, CONNECTING, ASKED, READING, GONE };

struct reader {
    int fd;
    uint8_t state, others, stalled;
    uint8_t matched;    /* characters of the marker seen at the end of the last read */
    uint8_t in_number;  /* the digits after the marker are being read */
    uint8_t head_bytes; /* WebSocket: bytes of the frame head collected */
    uint8_t head[14];
    uint64_t payload;   /* WebSocket: bytes of the frame still to come */
    uint64_t number;
    uint64_t answered_at, done_at, live_at; /* live: the first event that was published after the answer */
    uint64_t answered_real, bytes;
    uint32_t events;
    uint32_t held;      /* bytes of the answer's head in `reply` */
    char *reply;
};

/* Readers that are counted together. */
struct group {
    int count, ways;
    const char *path;
    uint64_t expect, deliveries, complete;
    uint64_t opened_at;
    uint32_t *latencies; /* microseconds */
    size_t latency_count, latency_room;
};

enum { MAIN, OTHERS };
static struct group groups[2] = {{.count = 1000, .ways = 1 << 30, .path = "/"}, {.ways = 1 << 30}};
static int is_ws, verbose;
static const char *marker = "~ts=", *greeting = "";
static size_t marker_size;
static uint64_t go_at, first_at, last_at;
static uint64_t answered, refused, broken, early;

static uint64_t clock_ns(clockid_t which) {
    struct timespec now;
    clock_gettime(which, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void note_latency(struct group *g, uint64_t ns) {
    if (g->latency_count == g->latency_room) {
        g->latency_room = g->latency_room ? g->latency_room * 2 : 1 << 20;
        g->latencies = realloc(g->latencies, g->latency_room * sizeof *g->latencies);
        if (!g->latencies) abort();
    }
    g->latencies[g->latency_count++] = (uint32_t)(ns / 1000);
}

static void note_event(struct reader *r, uint64_t published, uint64_t read_real, uint64_t read_mono) {
    struct group *g = &groups[r->others];
    g->deliveries++;
    if (!go_at) early++;
    if (!first_at) first_at = read_mono;
    last_at = read_mono;
    if (++r->events == g->expect) {
        r->done_at = read_mono;
        g->complete++;
    }
    if (published < r->answered_real) return;
    if (!r->live_at) r->live_at = read_mono;
    note_latency(g, read_real > published ? read_real - published : 0);
}

static void scan(struct reader *r, const char *at, const char *end, uint64_t real, uint64_t mono) {
    while (at < end) {
        if (r->in_number) {
            while (at < end && *at >= '0' && *at <= '9') r->number = r->number * 10 + (uint64_t)(*at++ - '0');
            if (at == end) return;
            r->in_number = 0;
            note_event(r, r->number, real, mono);
        } else if (r->matched) {
            if (*at == marker[r->matched]) {
                at++;
                if (++r->matched == marker_size) { r->matched = 0; r->in_number = 1; r->number = 0; }
            } else {
                r->matched = 0; /* the marker's first character stands nowhere else in it */
            }
        } else {
            const char *found = memmem(at, (size_t)(end - at), marker, marker_size);
            if (found) {
                at = found + marker_size;
                r->in_number = 1;
                r->number = 0;
                continue;
            }
            size_t tail = (size_t)(end - at) < marker_size - 1 ? (size_t)(end - at) : marker_size - 1;
            while (tail && memcmp(end - tail, marker, tail)) tail--;
            r->matched = (uint8_t)tail;
            return;
        }
    }
}

static void leave(struct reader *r) {
    if (r->state == GONE) return;
    close(r->fd);
    free(r->reply);
    r->reply = NULL;
    r->state = GONE;
}

static void answer_ping(struct reader *r) {
    static const unsigned char pong[6] = {0x8A, 0x80, 0, 0, 0, 0}; /* masked with zeros, no payload */
    if (send(r->fd, pong, sizeof pong, MSG_NOSIGNAL) < 0 && verbose) perror("pong");
}

static void take_frames(struct reader *r, const char *at, const char *end, uint64_t real, uint64_t mono) {
    while (at < end && r->state == READING) {
        if (r->payload) {
            size_t piece = (size_t)(end - at) < r->payload ? (size_t)(end - at) : (size_t)r->payload;
            if ((r->head[0] & 15) < 8) scan(r, at, at + piece, real, mono);
            r->payload -= piece;
            at += piece;
            continue;
        }
        r->head[r->head_bytes++] = (uint8_t)*at++;
        if (r->head_bytes < 2) continue;
        int size = r->head[1] & 127, need = size == 126 ? 4 : size == 127 ? 10 : 2;
        if (r->head_bytes < need) continue;
        r->payload = (uint64_t)size;
        if (size >= 126) {
            r->payload = 0;
            for (int i = 2; i < need; i++) r->payload = r->payload << 8 | r->head[i];
        }
        r->head_bytes = 0;
        if ((r->head[0] & 15) == 9) answer_ping(r);
        if ((r->head[0] & 15) == 8) { broken++; leave(r); }
    }
}

static void take(struct reader *r, const char *data, size_t size) {
    uint64_t real = clock_ns(CLOCK_REALTIME), mono = clock_ns(CLOCK_MONOTONIC);
    if (is_ws) take_frames(r, data, data + size, real, mono);
    else scan(r, data, data + size, real, mono);
}

static void greet(struct reader *r) {
    unsigned char frame[132] = {0x81, (unsigned char)(0x80 | strlen(greeting))}; /* masked with zeros */
    memcpy(frame + 6, greeting, strlen(greeting));
    if (send(r->fd, frame, 6 + strlen(greeting), MSG_NOSIGNAL) < 0 && verbose) perror("greeting");
}

/* The head of the answer; what follows it in the same read belongs to the stream. */
static void take_head(struct reader *r, const char *data, size_t size) {
    enum { ROOM = 8192 };
    if (!r->reply && !(r->reply = calloc(1, ROOM + 1))) abort();
    size_t before = r->held, piece = size < ROOM - before ? size : ROOM - before;
    memcpy(r->reply + before, data, piece);
    r->held += (uint32_t)piece;
    char *end = strstr(r->reply, "\r\n\r\n");
    if (!end) {
        if (r->held == ROOM) { refused++; leave(r); }
        return;
    }
    if (strncmp(r->reply, is_ws ? "HTTP/1.1 101" : "HTTP/1.1 200", 12)) {
        if (refused++ < 3) fprintf(stderr, "refused: %.60s\n", r->reply);
        leave(r);
        return;
    }
    size_t used = (size_t)(end + 4 - r->reply) - before;
    free(r->reply);
    r->reply = NULL;
    r->state = READING;
    r->answered_at = clock_ns(CLOCK_MONOTONIC);
    r->answered_real = clock_ns(CLOCK_REALTIME);
    answered++;
    if (*greeting) greet(r);
    if (used < size) take(r, data + used, size - used);
}
