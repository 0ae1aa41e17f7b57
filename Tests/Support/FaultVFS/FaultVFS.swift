import CFaultVFS

/// A SQLite file system for tests, that loses power, runs out of space and fails on demand.
///
/// Open databases with ``name`` as the VFS. The files are real files; what they would be after a power cut is decided by
/// what SQLite synced. The assumptions about the disk stand in `fault_vfs.h`.
///
/// ```swift
/// let disk = FaultVFS()
/// disk.cutPower(after: 17)
/// // ... work on a database opened with the VFS disk.name until it fails, close it ...
/// let loss = try disk.restorePower(seed: 42)
/// // ... open it again and check ...
/// ```
///
/// Sendable because the C side guards its state with a mutex of its own.
@safe package final class FaultVFS: @unchecked Sendable {
  /// The name to pass to `sqlite3_open_v2`, or as `vfs=` in a URI.
  package let name: String
  private let handle: OpaquePointer

  /// Registers a VFS under a name of its own.
  package init() {
    let name = "fault-\(UInt64.random(in: .min ... .max))"
    guard let handle = unsafe fault_vfs_create(name) else { fatalError("SQLite has no default VFS") }
    self.name = name
    unsafe self.handle = handle
  }

  deinit {
    let isDestroyed = unsafe fault_vfs_destroy(handle) == 0
    precondition(isDestroyed, "a database of this VFS is still open")
  }

  /// Makes every operation fail from now on, except closing files.
  package func cutPower() { unsafe fault_vfs_cut_power(handle) }

  /// Cuts the power when the disk has been changed that many times more; the change after them does not happen.
  package func cutPower(after changes: Int) { unsafe fault_vfs_cut_power_after(handle, Int64(changes)) }

  /// Whether the power is off.
  package var isPowerCut: Bool { unsafe fault_vfs_is_power_cut(handle) != 0 }

  /// Turns the power on again, with the files as a cut could have left them, and clears all faults and limits.
  ///
  /// - Parameter seed: Chooses among the possible states; the same seed after the same operations gives the same one.
  package func restorePower(seed: UInt64) throws(FaultVFSError) -> PowerLoss {
    var loss = fault_loss()
    let code = unsafe fault_vfs_restore(handle, seed, &loss)
    guard code == 0 else { throw FaultVFSError(code: code) }
    return PowerLoss(
      files: Int(loss.files), unsyncedSectors: Int(loss.unsynced_sectors), lostSectors: Int(loss.lost_sectors))
  }

  /// Makes the next operations of one kind fail.
  ///
  /// - Parameters:
  ///   - count: How many fail.
  ///   - skipped: How many succeed before that.
  ///   - code: The SQLite result code they give; without it, the I/O error of the operation.
  package func failNext(_ operation: Operation, count: Int = 1, after skipped: Int = 0, code: Int32? = nil) {
    let operation = operation.value
    unsafe fault_vfs_fail_next(handle, operation, Int64(skipped), Int64(count), code ?? fault_usual_error(operation))
  }

  /// Limits the bytes by which files may grow from now on; `nil` removes the limit.
  package func limitSpace(to bytes: Int?) { unsafe fault_vfs_set_space_left(handle, bytes.map(Int64.init) ?? -1) }

  /// How often the disk was changed so far: writes, truncations, syncs and deletions.
  package var changeCount: Int { Int(unsafe fault_vfs_operation_count(handle)) }
}

extension FaultVFS {
  /// A kind of operation that can be made to fail.
  package enum Operation: Sendable, CaseIterable {
    case read, write, sync, truncate, open, delete

    fileprivate var value: fault_operation {
      switch self {
      case .read: FAULT_READ
      case .write: FAULT_WRITE
      case .sync: FAULT_SYNC
      case .truncate: FAULT_TRUNCATE
      case .open: FAULT_OPEN
      case .delete: FAULT_DELETE
      }
    }
  }
}
