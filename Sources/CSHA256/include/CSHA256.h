// SHA-256 (FIPS 180-4) by the processor's own instructions, two messages at a time.
//
// One message waits for each of its rounds; two that take turns wait for nothing. Only x86-64 with SHA instructions is
// served: for everything else `Digests` asks Crypto.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// The longest `head` of a message.
enum { custody_sha256_longest_head = 64 };

/// A message in two parts, and where its 32 bytes of digest go. An empty part may be NULL.
typedef struct {
    const uint8_t *head;
    size_t head_length;
    const uint8_t *body;
    size_t body_length;
    uint8_t *digest;
} custody_sha256_message;

/// Whether this processor can.
bool custody_sha256_is_supported(void);

/// Writes the digest of each message. Leaves nothing of them behind in memory.
/// Call it only where it is supported, with heads of at most `custody_sha256_longest_head` bytes.
void custody_sha256_each(const custody_sha256_message *messages, size_t count);

#ifdef __cplusplus
}
#endif
