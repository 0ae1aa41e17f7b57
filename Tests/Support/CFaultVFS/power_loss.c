// What a power cut leaves of a file.

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

// SplitMix64: small, and every seed is a good one.
static uint64_t next_random(uint64_t *state) {
  uint64_t mixed = *state += 0x9E3779B97F4A7C15u;
  mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9u;
  mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBu;
  return mixed ^ mixed >> 31;
}

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

// The size is metadata, written apart from the data: the durable one, the last one, or one in between. Truncation is
// atomic, growth is not: a file that was cut from 10 to 2 and grew to 5 has 10, or 2 to 5.
static int64_t choose_size(const fault_node *node, int64_t current, uint64_t *random) {
  uint64_t choice = next_random(random), position = next_random(random);
  switch (choice % 4) {
    case 0: return node->durable_size;
    case 1: return current;
    default: {
      int64_t low = smaller(node->smallest_size, current);
      return low + (int64_t)(position % (uint64_t)(current - low + 1));
    }
  }
}

// Sets `sector` to what is left of it. Only bytes that were written can suffer: a disk with powersafe overwrite leaves
// the others alone.
static void choose_contents(unsigned char *sector, const unsigned char *old, uint64_t *random) {
  uint64_t choice = next_random(random);
  size_t tear = next_random(random) % SECTOR_SIZE;
  switch (choice % 8) {
    case 0: case 1: case 2: break;
    case 3: case 4: case 5: memcpy(sector, old, SECTOR_SIZE); break;
    case 6: memcpy(sector + tear, old + tear, SECTOR_SIZE - tear); break;
    case 7:
      for (size_t i = 0; i < SECTOR_SIZE; i++) {
        if (sector[i] != old[i]) sector[i] = 0;
      }
  }
}

// Reads what the file holds now; beyond its end the old contents, since nothing was written over them.
static int read_current(int file, int64_t sector, int64_t size, const unsigned char *old, unsigned char *bytes) {
  memcpy(bytes, old, SECTOR_SIZE);
  int64_t available = size - sector * SECTOR_SIZE;
  if (available <= 0) return 1;
  size_t count = (size_t)smaller(available, SECTOR_SIZE);
  return pread(file, bytes, count, sector * SECTOR_SIZE) == (ssize_t)count;
}

static int lose_sector(int file, int64_t sector, int64_t size, const unsigned char *old, uint64_t *random, fault_loss *loss) {
  unsigned char current[SECTOR_SIZE], left[SECTOR_SIZE];
  if (!read_current(file, sector, size, old, current)) return 0;
  memcpy(left, current, SECTOR_SIZE);
  choose_contents(left, old, random);
  loss->unsynced_sectors++;
  if (memcmp(left, current, SECTOR_SIZE) != 0) loss->lost_sectors++;
  return pwrite(file, left, SECTOR_SIZE, sector * SECTOR_SIZE) == SECTOR_SIZE;
}

static int lose(fault_node *node, int file, int64_t size, uint64_t *random, fault_loss *loss) {
  int64_t final_size = choose_size(node, size, random);
  for (size_t i = 0; i < node->image_count; i++) {
    if (!lose_sector(file, node->images[i].sector, size, node->images[i].bytes, random, loss)) return 0;
  }
  // Sectors that lie wholly beyond the durable size were never synced: their old contents are the zeros of a new block.
  static const unsigned char zeros[SECTOR_SIZE];
  int64_t sector = (node->durable_size + SECTOR_SIZE - 1) / SECTOR_SIZE;
  for (; sector * SECTOR_SIZE < size; sector++) {
    if (!lose_sector(file, sector, size, zeros, random, loss)) return 0;
  }
  return ftruncate(file, final_size) == 0;
}

int fault_node_lose(fault_node *node, uint64_t *random, fault_loss *loss) {
  int file = open(node->path, O_RDWR | O_CLOEXEC);
  // A file that somebody removed behind our back is not there after the cut either.
  if (file < 0) return errno == ENOENT ? SQLITE_OK : SQLITE_IOERR;
  struct stat status;
  int ok = fstat(file, &status) == 0;
  if (ok && (node->image_count > 0 || status.st_size != node->durable_size)) {
    loss->files++;
    ok = lose(node, file, status.st_size, random, loss);
  }
  close(file);
  return ok ? SQLITE_OK : SQLITE_IOERR;
}
