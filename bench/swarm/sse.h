/* Reads event streams as EventSource does, and keeps count of what was lost, came twice or came late. */
#ifndef SSE_H
#define SSE_H

#include <stddef.h>
#include <stdint.h>

enum { MOST_ID = 64, MOST_HEAD = 2048, MOST_LATENESS_MS = 60000 };

/* What a stream is reading. */
enum reading { HEAD, PLAIN, CHUNK_SIZE, CHUNK, CHUNK_END, REFUSED };

struct stream {
  enum reading reading;
  int chunk_is_last;
  size_t chunk_left;
  /* The beginning of a line, or of the head, whose end has not come yet. */
  char begun[MOST_HEAD];
  size_t begun_length;
  /* Of the block that is being read. */
  char block_id[MOST_ID];
  int block_has_data, block_is_gap;
  /* As a browser would send it in Last-Event-ID. */
  char id[MOST_ID];
  /* Number of the last event, from the part of its id behind the dot; 0: none yet. */
  uint64_t sequence;
};

struct tally {
  uint64_t events, lost, duplicate, gaps;
  /* When the last new event came, microseconds since the epoch. */
  int64_t last_us;
  uint32_t late[MOST_LATENESS_MS + 1];
  /* Streams that have reached `target`. */
  uint64_t target;
  uint32_t reached;
  char refusal[96];
};

extern struct tally tally;

void stream_begin(struct stream *s);
/* Returns 1 when the head of an answer with 200 has just been read, -1 for another answer or its end, else 0. */
int stream_read(struct stream *s, const char *bytes, size_t length, int64_t now_us);
/* Milliseconds below which that part of the events came. */
uint32_t lateness(double part);

#endif
