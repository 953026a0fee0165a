#define _GNU_SOURCE
#include "sse.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct tally tally;

void stream_begin(struct stream *s) {
  s->reading = HEAD;
  s->begun_length = 0;
  s->block_id[0] = 0;
  s->block_has_data = s->block_is_gap = 0;
}

static void count_event(struct stream *s, int64_t now_us) {
  const char *dot = strchr(s->block_id, '.');
  uint64_t sequence = dot ? strtoull(dot + 1, NULL, 10) : 0;
  if (sequence <= s->sequence) {
    tally.duplicate++;
    return;
  }
  if (s->sequence) tally.lost += sequence - s->sequence - 1;
  if (s->sequence < tally.target && sequence >= tally.target) tally.reached++;
  s->sequence = sequence;
  tally.events++;
  tally.last_us = now_us;
  /* The id begins with the millisecond in which Redis took the event. */
  int64_t late = now_us / 1000 - strtoll(s->block_id, NULL, 10);
  if (late < 0) late = 0;
  tally.late[late > MOST_LATENESS_MS ? MOST_LATENESS_MS : late]++;
}

static void end_block(struct stream *s, int64_t now_us) {
  if (s->block_is_gap) tally.gaps++;
  if (s->block_id[0]) {
    if (s->block_has_data) count_event(s, now_us);
    else if (strchr(s->block_id, '.')) {
      uint64_t sequence = strtoull(strchr(s->block_id, '.') + 1, NULL, 10);
      if (s->sequence < tally.target && sequence >= tally.target) tally.reached++;
      if (sequence > s->sequence) s->sequence = sequence;
    }
    memcpy(s->id, s->block_id, sizeof s->id);
  }
  s->block_id[0] = 0;
  s->block_has_data = s->block_is_gap = 0;
}

static void read_line(struct stream *s, const char *line, size_t length, int64_t now_us) {
  if (length && line[length - 1] == '\r') length--;
  if (length == 0) {
    end_block(s, now_us);
  } else if (length > 3 && memcmp(line, "id:", 3) == 0) {
    size_t skip = line[3] == ' ' ? 4 : 3;
    size_t rest = length - skip;
    if (rest >= sizeof s->block_id) rest = sizeof s->block_id - 1;
    memcpy(s->block_id, line + skip, rest);
    s->block_id[rest] = 0;
  } else if (length > 5 && memcmp(line, "data:", 5) == 0) {
    s->block_has_data = 1;
  } else if (length >= 9 && memcmp(line, "event:", 6) == 0 && memcmp(line + length - 3, "gap", 3) == 0 &&
             (line[length - 4] == ' ' || line[length - 4] == ':')) {
    s->block_is_gap = 1;
  }
}

/* Lines that are whole are read where they lie; only the beginning of one that is not is kept. */
static void read_text(struct stream *s, const char *text, size_t length, int64_t now_us) {
  while (length) {
    const char *end = memchr(text, '\n', length);
    size_t part = end ? (size_t)(end - text) : length;
    if (s->begun_length || !end) {
      size_t room = sizeof s->begun - s->begun_length;
      size_t kept = part < room ? part : room;
      memcpy(s->begun + s->begun_length, text, kept);
      s->begun_length += kept;
      if (!end) return;
      read_line(s, s->begun, s->begun_length, now_us);
      s->begun_length = 0;
    } else {
      read_line(s, text, part, now_us);
    }
    text = end + 1;
    length -= part + 1;
  }
}

static int read_head(struct stream *s, const char **bytes, size_t *length) {
  while (*length) {
    if (s->begun_length == sizeof s->begun - 1) return -1;
    s->begun[s->begun_length++] = *(*bytes)++;
    (*length)--;
    if (s->begun_length < 4 || memcmp(s->begun + s->begun_length - 4, "\r\n\r\n", 4) != 0) continue;
    s->begun[s->begun_length] = 0;
    s->begun_length = 0;
    if (strncmp(s->begun, "HTTP/1.1 200", 12) != 0) {
      if (!tally.refusal[0]) memcpy(tally.refusal, s->begun, strcspn(s->begun, "\r") % (sizeof tally.refusal - 1));
      s->reading = REFUSED;
      return -1;
    }
    s->reading = strcasestr(s->begun, "\r\ntransfer-encoding: chunked") ? CHUNK_SIZE : PLAIN;
    s->chunk_left = 0;
    return 1;
  }
  return 0;
}

/* Returns -1 at the last chunk. */
static int read_chunks(struct stream *s, const char *bytes, size_t length, int64_t now_us) {
  while (length) {
    if (s->reading == CHUNK) {
      size_t part = length < s->chunk_left ? length : s->chunk_left;
      read_text(s, bytes, part, now_us);
      bytes += part;
      length -= part;
      s->chunk_left -= part;
      if (s->chunk_left == 0) s->reading = CHUNK_END;
      continue;
    }
    char c = *bytes++;
    length--;
    if (s->reading == CHUNK_END) {
      if (c == '\n') s->reading = CHUNK_SIZE;
    } else if (c == '\n') {
      if (s->chunk_left == 0) return -1;
      s->reading = CHUNK;
    } else if (c != '\r') {
      int digit = c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
      s->chunk_left = s->chunk_left * 16 + (size_t)digit;
    }
  }
  return 0;
}

int stream_read(struct stream *s, const char *bytes, size_t length, int64_t now_us) {
  int opened = 0;
  if (s->reading == HEAD) {
    opened = read_head(s, &bytes, &length);
    if (opened != 1) return opened;
  }
  if (s->reading == PLAIN) read_text(s, bytes, length, now_us);
  else if (read_chunks(s, bytes, length, now_us) < 0) return -1;
  return opened;
}

uint32_t lateness(double part) {
  uint64_t wanted = (uint64_t)((double)(tally.events ? tally.events - 1 : 0) * part), seen = 0;
  for (uint32_t ms = 0; ms <= MOST_LATENESS_MS; ms++) {
    seen += tally.late[ms];
    if (seen > wanted) return ms;
  }
  return 0;
}
