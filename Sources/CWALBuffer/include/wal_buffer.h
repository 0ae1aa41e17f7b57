// A SQLite VFS that writes each transaction's frames into the WAL at once.
//
// SQLite writes two pieces for each page, a header of 24 bytes and the page: a commit of eight pages is sixteen system
// calls. This VFS collects them in memory and hands them on with the last frame of the transaction, or before any other
// use of the file. Nothing is seen earlier or later than without it: other connections look at frames only after the
// commit has entered them into the WAL index, which SQLite does after this.

#ifndef WAL_BUFFER_H
#define WAL_BUFFER_H

// Registers the VFS over another one, once for each.
//
// parent: the name of a registered VFS; NULL for the default one.
// Returns the name to open databases with; it stays valid. NULL when there is no such parent, or no memory.
const char *wal_buffer_vfs(const char *parent);

#endif
