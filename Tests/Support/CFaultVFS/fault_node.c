// What of each file is durable: pre-images of the sectors that changed since the last sync.

#include <stdlib.h>
#include <string.h>

#include "internal.h"

fault_node *fault_node_find(fault_vfs *vfs, const char *path) {
  for (fault_node *node = vfs->nodes; node; node = node->next) {
    if (!node->deleted && strcmp(node->path, path) == 0) return node;
  }
  return NULL;
}

fault_node *fault_node_open(fault_vfs *vfs, const char *path, int64_t size) {
  fault_node *node = fault_node_find(vfs, path);
  if (!node) {
    node = calloc(1, sizeof *node);
    if (!node) return NULL;
    node->path = strdup(path);
    if (!node->path) {
      free(node);
      return NULL;
    }
    node->durable_size = node->smallest_size = size;
    node->next = vfs->nodes;
    vfs->nodes = node;
  }
  node->handles++;
  return node;
}

static void forget(fault_node *node) {
  free(node->images);
  free(node->has_image);
  node->images = NULL;
  node->has_image = NULL;
  node->image_count = node->image_capacity = node->has_image_size = 0;
}

static void remove_node(fault_vfs *vfs, fault_node *node) {
  for (fault_node **link = &vfs->nodes; *link; link = &(*link)->next) {
    if (*link != node) continue;
    *link = node->next;
    forget(node);
    free(node->path);
    free(node);
    return;
  }
}

void fault_node_close(fault_vfs *vfs, fault_node *node) {
  node->handles--;
  if (node->deleted && node->handles == 0) remove_node(vfs, node);
}

void fault_node_delete(fault_vfs *vfs, fault_node *node) {
  node->deleted = 1;
  if (node->handles == 0) remove_node(vfs, node);
}

void fault_node_free_all(fault_vfs *vfs) {
  while (vfs->nodes) remove_node(vfs, vfs->nodes);
}

// Makes room for one more image and for the bit of `sector`.
static int grow(fault_node *node, int64_t sector) {
  if (node->image_count == node->image_capacity) {
    size_t capacity = node->image_capacity ? node->image_capacity * 2 : 16;
    sector_image *images = realloc(node->images, capacity * sizeof *images);
    if (!images) return SQLITE_IOERR_NOMEM;
    node->images = images;
    node->image_capacity = capacity;
  }
  size_t byte = (size_t)(sector / 8);
  if (byte >= node->has_image_size) {
    size_t size = (byte + 1) * 2;
    unsigned char *bits = realloc(node->has_image, size);
    if (!bits) return SQLITE_IOERR_NOMEM;
    memset(bits + node->has_image_size, 0, size - node->has_image_size);
    node->has_image = bits;
    node->has_image_size = size;
  }
  return SQLITE_OK;
}

static int has_image(const fault_node *node, int64_t sector) {
  size_t byte = (size_t)(sector / 8);
  return byte < node->has_image_size && node->has_image[byte] >> (sector % 8) & 1;
}

int fault_node_preserve(fault_node *node, sqlite3_file *real, int64_t start, int64_t end) {
  // Beyond the durable size there is nothing to keep: those sectors are known to be unsynced.
  if (end > node->durable_size) end = node->durable_size;
  for (int64_t sector = start / SECTOR_SIZE; sector * SECTOR_SIZE < end; sector++) {
    if (has_image(node, sector)) continue;
    int code = grow(node, sector);
    if (code != SQLITE_OK) return code;
    sector_image *image = &node->images[node->image_count];
    image->sector = sector;
    // A short read fills the rest with zeros, which is what lies beyond the end.
    code = real->pMethods->xRead(real, image->bytes, SECTOR_SIZE, sector * SECTOR_SIZE);
    if (code != SQLITE_OK && code != SQLITE_IOERR_SHORT_READ) return code;
    node->has_image[sector / 8] |= (unsigned char)(1 << (sector % 8));
    node->image_count++;
  }
  return SQLITE_OK;
}

void fault_node_truncate(fault_node *node, int64_t size) {
  if (size < node->smallest_size) node->smallest_size = size;
}

int fault_node_sync(fault_node *node, sqlite3_file *real) {
  sqlite3_int64 size;
  int code = real->pMethods->xFileSize(real, &size);
  if (code != SQLITE_OK) return code;
  node->durable_size = node->smallest_size = size;
  forget(node);
  return SQLITE_OK;
}
